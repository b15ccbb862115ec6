/** Where cards went that left a list: what the events of this page's time say of them. */

import { useSyncExternalStore } from 'react'
import { statusOf } from '@/api/types'
import { statusName } from '@/kit/sentences'
import { onEvents } from '@/live/board'

interface Seen {
  /** The name of its column; '' for a task that is no more. */
  word: string
  at: number
}

const FRESH_MILLISECONDS = 400
// Who looks for a card that left finds it among the newest.
const KEPT = 2_000
const seen = new Map<string, Seen>()
const listeners = new Set<() => void>()

onEvents((message) => {
  const at = performance.now()
  for (const card of message.cards ?? []) {
    const word = statusName(statusOf(card))
    if (seen.get(card.id)?.word !== word) note(card.id, word, at)
  }
  for (const id of message.gone ?? []) note(id, '', at)
  for (const one of listeners) one()
})

function note(id: string, word: string, at: number): void {
  seen.delete(id)
  seen.set(id, { word, at })
  const [oldest] = seen.keys()
  if (seen.size > KEPT && oldest !== undefined) seen.delete(oldest)
}

/** "moved to Done", "gone", or that it is elsewhere than in that column; as that becomes known. */
export function useWhereabouts(id: string, from: string | undefined): string | null {
  const word = useSyncExternalStore(subscribe, () => seen.get(id)?.word)
  if (from === undefined) return null
  if (word === '') return 'gone'
  return word === undefined || word === from ? 'elsewhere' : `moved to ${word}`
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Whether an event has just brought that card to where it is. */
export function hasJustCome(id: string): boolean {
  return performance.now() - (seen.get(id)?.at ?? Number.NEGATIVE_INFINITY) < FRESH_MILLISECONDS
}
