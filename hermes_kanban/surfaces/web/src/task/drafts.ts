/** What is being typed outlives whatever happens around it: a live change, another view, a reload. */

import { useCallback, useSyncExternalStore } from 'react'

const PREFIX = 'hermes-kanban.draft.'
// What this page has typed; the tab's storage has it for the next.
const typed = new Map<string, string | null>()
const readers = new Set<() => void>()

/** The text that was kept under that name, null where none was. */
export function draft(name: string): string | null {
  const known = typed.get(name)
  if (known !== undefined) return known
  const found = stored(name)
  typed.set(name, found)
  return found
}

function stored(name: string): string | null {
  try {
    return sessionStorage.getItem(PREFIX + name)
  } catch {
    return null
  }
}

/** Keeps the text of this tab under that name; null forgets it. */
export function keepDraft(name: string, text: string | null): void {
  typed.set(name, text === '' ? null : text)
  try {
    if (text === null || text === '') sessionStorage.removeItem(PREFIX + name)
    else sessionStorage.setItem(PREFIX + name, text)
  } catch {
    // Storage is off or full: what is typed lasts as long as the page.
  }
  for (const tell of readers) tell()
}

/** Forgets a text once it was taken, unless something else was typed since. */
export function forgetDraft(name: string, taken: string): void {
  if (draft(name) === taken) keepDraft(name, null)
}

/** A text that is being typed, kept under `name`; every field of that name has the same. */
export function useDraft(name: string): [string, (text: string) => void] {
  const text = useSyncExternalStore(follow, () => draft(name) ?? '')
  const change = useCallback((next: string) => keepDraft(name, next), [name])
  return [text, change]
}

function follow(tell: () => void): () => void {
  readers.add(tell)
  return () => readers.delete(tell)
}
