/** Says to screen readers what the eye sees by itself: politely, and at most a sentence in 5 s. */

import { useSyncExternalStore } from 'react'

const PAUSE_MILLISECONDS = 5_000
// Readers speak a region that changed, so it is emptied when nobody can still want it.
const KEPT_MILLISECONDS = 30_000

let said = ''
let waiting: string | null = null
let saidAt = Number.NEGATIVE_INFINITY
let timer: ReturnType<typeof setTimeout> | undefined
const listeners = new Set<() => void>()

/** Says `sentence` when the last one is 5 s old; of those that come meanwhile only the last. */
export function announce(sentence: string): void {
  waiting = sentence
  clearTimeout(timer)
  timer = setTimeout(speak, Math.max(0, saidAt + PAUSE_MILLISECONDS - Date.now()))
}

function speak(): void {
  become(waiting ?? '')
  waiting = null
  saidAt = Date.now()
  timer = setTimeout(() => become(''), KEPT_MILLISECONDS)
}

function become(sentence: string): void {
  said = sentence
  for (const one of listeners) one()
}

/** Where it is said; once in the page. */
export function Announcements() {
  const sentence = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => said,
  )
  return (
    <p className="hidden-words" role="status" aria-label="Announcements">
      {sentence}
    </p>
  )
}
