/** What a person chose for this browser; kept in its storage, and shared by its tabs. */

import { useSyncExternalStore } from 'react'

export interface SavedView {
  name: string
  /** The query of the address: filters, lanes and order. */
  search: string
}

export interface Preferences {
  theme: 'system' | 'light' | 'dark'
  /** A theme that overrides the colours, by the name in its `[data-skin]`; '' is none. */
  skin: string
  density: 'regular' | 'compact'
  singleKeys: boolean
  showCost: boolean
  /** Saved views by board. */
  views: Record<string, SavedView[]>
  lastBoard: string | null
}

const KEPT = 'hermes-kanban.preferences'
const DEFAULTS: Preferences = {
  theme: 'system',
  skin: '',
  density: 'regular',
  singleKeys: true,
  showCost: false,
  views: {},
  lastBoard: null,
}

const listeners = new Set<() => void>()
let current = read()

function read(): Preferences {
  return kept() ?? DEFAULTS
}

/** What the storage has; null where it is off or holds something else. */
function kept(): Preferences | null {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEPT) ?? '{}')
    return typeof found === 'object' ? { ...DEFAULTS, ...found } : null
  } catch {
    return null
  }
}

/** The preferences now. */
export function preferences(): Preferences {
  return current
}

/** Changes some of them, for good. */
export function prefer(change: Partial<Preferences>): void {
  // Another tab may have changed something since; only what is named is changed here.
  const before = kept() ?? current
  const next = { ...before, ...change }
  become(next)
  // What is the same is not written: it would undo what another tab writes at this moment.
  const names = Object.keys(change) as (keyof Preferences)[]
  if (names.every((name) => before[name] === next[name])) return
  try {
    localStorage.setItem(KEPT, JSON.stringify(current))
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
}

/** The preferences, as they change. */
export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function become(next: Preferences): void {
  current = next
  const root = document.documentElement
  if (next.theme === 'system') delete root.dataset.theme
  else root.dataset.theme = next.theme
  if (next.skin === '') delete root.dataset.skin
  else root.dataset.skin = next.skin
  for (const one of listeners) one()
}

addEventListener('storage', (event) => {
  if (event.key === KEPT) become(read())
})
