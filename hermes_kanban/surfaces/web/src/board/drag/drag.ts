/** The drag that is under way: which cards, what the server says of it, and where they are held. */

import { useSyncExternalStore } from 'react'
import type { Card, Moves, Status } from '@/api/types'

export interface Drag {
  /** The card that was taken, and with it those that were selected with it. */
  taken: Card
  cards: readonly Card[]
  by: 'pointer' | 'keys'
  /** Where each may go; null until the server has said. */
  moves: ReadonlyMap<string, Moves> | null
  over: Status | null
}

let drag: Drag | null = null
const listeners = new Set<() => void>()

/** The drag under way, null while nothing is dragged. */
export function currentDrag(): Drag | null {
  return drag
}

/** Begins, changes or (null) ends the drag. */
export function setDrag(next: Drag | null): void {
  if (next === drag) return
  drag = next
  for (const one of listeners) one()
}

/** Changes the drag under way, if it is still the one that began with `taken`. */
export function changeDrag(taken: Card, change: Partial<Drag>): void {
  if (drag?.taken === taken) setDrag({ ...drag, ...change })
}

/** What `read` makes of the drag; renders anew only when that is another. */
export function useDrag<T>(read: (drag: Drag | null) => T): T {
  return useSyncExternalStore(subscribe, () => read(drag))
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
