/** Which cards are selected, and which one has the focus: one of each on the page. */

import { useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
const welcomed = new Set<string>()
const answered = new Set<string>()
let selected: ReadonlySet<string> = new Set()
let focused: string | null = null
let suggested: string | null = null
let anchor: string | null = null

function changed(): void {
  for (const one of listeners) one()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** The ids of the selected cards, in the order in which they were selected. */
export function selectedIds(): readonly string[] {
  return [...selected]
}

/** The card that keys act on, null where none had the focus yet. */
export function focusedId(): string | null {
  return focused
}

/** Says which card has the focus, or had it last; it does not move the focus. */
export function setFocused(id: string | null): void {
  if (focused === id) return
  focused = id
  changed()
}

/** Makes that card the one that Tab comes to while none had the focus. */
export function suggest(id: string | null): void {
  if (suggested === id) return
  suggested = id
  changed()
}

/** Selects the card, or no longer. */
export function toggle(id: string): void {
  const next = new Set(selected)
  if (!next.delete(id)) next.add(id)
  anchor = id
  become(next)
}

/** Selects everything between the last card that was selected by hand and this one. */
export function extendTo(id: string, order: readonly string[]): void {
  const to = order.indexOf(id)
  const from = anchor === null ? to : order.indexOf(anchor)
  if (to < 0) return
  const [first, last] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)]
  become(new Set([...selected, ...order.slice(first, last + 1)]))
  if (from < 0) anchor = id
}

/** Selects the card with the focus and the one that it moves to. */
export function extendFrom(from: string, to: string): void {
  const next = new Set(selected)
  // Going back over what was selected takes it back.
  if (next.has(from) && next.has(to)) next.delete(from)
  else next.add(from).add(to)
  anchor = to
  become(next)
}

/** Selects nothing. */
export function clearSelection(): void {
  anchor = null
  if (selected.size > 0) become(new Set())
}

function become(next: ReadonlySet<string>): void {
  selected = next
  changed()
}

/** The ids of the selected cards, as they change. */
export function useSelected(): ReadonlySet<string> {
  return useSyncExternalStore(subscribe, () => selected)
}

/** Whether this card is selected; renders anew only when that changes. */
export function useIsSelected(id: string): boolean {
  return useSyncExternalStore(subscribe, () => selected.has(id))
}

/** Whether this card is the one stop of Tab among all of them. */
export function useIsStop(id: string): boolean {
  return useSyncExternalStore(subscribe, () => (focused ?? suggested) === id)
}

/** Whether anything is selected, so that cards show their boxes. */
export function useIsSelecting(): boolean {
  return useSyncExternalStore(subscribe, () => selected.size > 0)
}

const WELCOME_MILLISECONDS = 10_000

/**
 * Lets these cards be shown at once where they come to, under the pointer too: for what the person
 * at this page moves or creates there.
 */
export function welcome(ids: Iterable<string>): void {
  for (const id of ids) {
    welcomed.add(id)
    setTimeout(() => welcomed.delete(id), WELCOME_MILLISECONDS)
  }
}

/** Whether the person at this page sent that card here. */
export function isWelcome(id: string): boolean {
  return welcomed.has(id)
}

/** Keeps the place of a card that is answered by a button on it: no other comes under the pointer. */
export function keepPlace(id: string): void {
  answered.add(id)
  setTimeout(() => answered.delete(id), WELCOME_MILLISECONDS)
}

/** Whether the person at this page sent that card away, and is done with its place. */
export function isSentAway(id: string): boolean {
  return welcomed.has(id) && !answered.has(id)
}
