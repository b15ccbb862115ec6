/** What is being typed outlives whatever happens around it: a live change, another view, a reload. */

import { useCallback, useState } from 'react'

const PREFIX = 'hermes-kanban.draft.'

/** The text that was kept under that name, null where none was. */
export function draft(name: string): string | null {
  try {
    return sessionStorage.getItem(PREFIX + name)
  } catch {
    return null
  }
}

/** Keeps the text of this tab under that name; null forgets it. */
export function keepDraft(name: string, text: string | null): void {
  try {
    if (text === null || text === '') sessionStorage.removeItem(PREFIX + name)
    else sessionStorage.setItem(PREFIX + name, text)
  } catch {
    // Storage is off or full: what is typed lasts as long as its field.
  }
}

/** A text that is being typed, kept under `name`, which stays the same as long as its component. */
export function useDraft(name: string, start = ''): [string, (text: string) => void] {
  const [text, setText] = useState(() => draft(name) ?? start)
  const change = useCallback(
    (next: string) => {
      setText(next)
      keepDraft(name, next)
    },
    [name],
  )
  return [text, change]
}
