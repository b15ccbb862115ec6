import { useEffect, useRef } from 'react'
import { preferences } from '@/app/preferences'
import { KEYS, type KeyId, type Scope } from './table'

type Handler = (event: KeyboardEvent, which: number) => void
type Handlers = Partial<Record<KeyId, Handler>>

interface Layer {
  handlers: () => Handlers
  scope: Scope
}

const SEQUENCE_MILLISECONDS = 1_200
const layers: Layer[] = []
let begun: { key: string; at: number } | null = null

/**
 * Handles keys while its component is shown. Of several that handle the same key the one that came
 * last does, so a drawer's go before the board's under it.
 */
export function useKeys(scope: Scope, handlers: Handlers, active = true): void {
  const newest = useRef(handlers)
  newest.current = handlers
  useEffect(() => {
    if (!active) return
    const layer: Layer = { handlers: () => newest.current, scope }
    layers.push(layer)
    return () => {
      layers.splice(layers.indexOf(layer), 1)
    }
  }, [scope, active])
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return
  const pressed = pressedKeys(event)
  if (pressed === null || isTyping(event, pressed) || inPopup(event)) return
  const sequence = takeSequence(pressed)
  for (const wanted of sequence === null ? [pressed] : [sequence, pressed]) {
    if (act(wanted, event)) {
      begun = null
      return
    }
  }
  const beginsOne = layers.some((layer) => has(layer, (one) => one.startsWith(`${pressed} `)))
  begun = beginsOne ? { key: pressed, at: Date.now() } : null
}

/** `Shift+J`, `Mod+K`, `?`; null for a bare modifier. */
function pressedKeys(event: KeyboardEvent): string | null {
  const { key } = event
  if (['Shift', 'Control', 'Alt', 'Meta'].includes(key)) return null
  if (event.altKey) return null
  const named = key.length > 1
  const letter = /^[a-z]$/i.test(key)
  const mod = event.ctrlKey || event.metaKey ? 'Mod+' : ''
  const shift = event.shiftKey && (letter || named) ? 'Shift+' : ''
  return mod + shift + (letter ? key.toUpperCase() : key)
}

/** In a text only Escape and chords act; single keys may be off altogether. */
function isTyping(event: KeyboardEvent, pressed: string): boolean {
  const at = event.target as HTMLElement | null
  const single = !pressed.startsWith('Mod+') && !(pressed === 'Escape')
  if (single && pressed.replace('Shift+', '').length === 1 && !preferences().singleKeys) return true
  if (
    at?.closest(
      'input:not([type=checkbox], [type=range]), textarea, select, [contenteditable=true]',
    )
  ) {
    return single
  }
  // Enter and Space on a control are the control's own.
  return (
    (pressed === 'Enter' || pressed === ' ') &&
    at?.closest('button, a[href], summary, [role=menuitem], [role=option]') !== null
  )
}

/** What is open over the page has its own keys. */
function inPopup(event: KeyboardEvent): boolean {
  const at = event.target as HTMLElement | null
  return at?.closest('[role=menu], [role=listbox], [role=alertdialog], .dialog') != null
}

function takeSequence(pressed: string): string | null {
  if (begun === null || Date.now() - begun.at > SEQUENCE_MILLISECONDS) return null
  return `${begun.key} ${pressed}`
}

function act(wanted: string, event: KeyboardEvent): boolean {
  const inDrawer = isInDrawer(event)
  // What is shown goes before what acts anywhere, whichever of them came last.
  const anywhere = layers.filter((layer) => layer.scope === 'anywhere')
  const here = layers.filter((layer) => layer.scope !== 'anywhere')
  for (const layer of [...here.toReversed(), ...anywhere.toReversed()]) {
    if (inDrawer && UNDER_DRAWER.has(layer.scope)) continue
    const handlers = layer.handlers()
    for (const [id, handler] of Object.entries(handlers) as [KeyId, Handler][]) {
      const which = (KEYS[id].keys as readonly string[]).indexOf(wanted)
      if (which < 0) continue
      event.preventDefault()
      handler(event, which)
      return true
    }
  }
  return false
}

// What lies under the open drawer has no keys while the focus is in it.
const UNDER_DRAWER: ReadonlySet<Scope> = new Set(['board', 'inbox', 'graph'])

/** A focus that went with what had it is still where it was. */
function isInDrawer(event: KeyboardEvent): boolean {
  const at = event.target as HTMLElement | null
  if (at === null || at === document.body) return document.querySelector('.task-drawer') !== null
  return at.closest('.task-drawer') !== null
}

function has(layer: Layer, is: (keys: string) => boolean): boolean {
  const ids = Object.keys(layer.handlers()) as KeyId[]
  return ids.some((id) => (KEYS[id].keys as readonly string[]).some(is))
}

addEventListener('keydown', onKeyDown)
