/**
 * What was changed here and is not yet told by the board: an overlay over the cards that the page
 * has. A change counts from the moment it is made; `settle` says that the server took it, `drop`
 * takes it away, because the live board tells it now or because the server refused.
 */

import type { Card } from '../api/types.ts'

/** Fields of a task that are shown changed before the server has answered. */
export type Change = Partial<Omit<Card, 'id'>> & { body?: string | null }

export interface Pending {
  change: Change
  /** Milliseconds at which the oldest of the changes was made. */
  since: number
  /** True when the server has not answered for so long that it should be seen. */
  slow: boolean
}

export interface Entry {
  readonly board: string
  readonly id: string
  change: Change
  readonly since: number
  slow: boolean
  /** The board's newest event when the server answered; null before. */
  settledAt: number | null
}

const SLOW_MILLISECONDS = 400

const entries = new Map<string, Entry[]>()
const shown = new Map<string, Pending>()
/** The card as the board last told it, under what is pending. */
const bases = new Map<string, Card>()
const listeners = new Set<() => void>()

function keyOf(board: string, id: string): string {
  return `${board} ${id}`
}

/** Begins a change; `base` is the card before it, where the page has one. */
export function begin(board: string, id: string, change: Change, base: Card | null): Entry {
  const entry: Entry = {
    board,
    id,
    change,
    since: Date.now(),
    slow: false,
    settledAt: null,
  }
  const key = keyOf(board, id)
  entries.set(key, [...(entries.get(key) ?? []), entry])
  if (base !== null && !bases.has(key)) bases.set(key, base)
  setTimeout(() => {
    if (entry.settledAt !== null || !isPending(entry)) return
    entry.slow = true
    tell(key)
  }, SLOW_MILLISECONDS)
  tell(key)
  return entry
}

/** The server took the change; `known` is what its answer says of the task. */
export function settle(entry: Entry, cursor: number, known: Change): void {
  entry.settledAt = cursor
  entry.slow = false
  entry.change = { ...entry.change, ...known }
  tell(keyOf(entry.board, entry.id))
}

/** Takes the change away. The card as it is to be shown then, null where the page had none. */
export function drop(entry: Entry): Card | null {
  const key = keyOf(entry.board, entry.id)
  const rest = (entries.get(key) ?? []).filter((one) => one !== entry)
  if (rest.length > 0) entries.set(key, rest)
  else entries.delete(key)
  tell(key)
  const base = bases.get(key) ?? null
  if (rest.length === 0) bases.delete(key)
  return base === null ? null : overlaid(entry.board, base)
}

/** Whether the change is still shown as one of this page. */
export function isPending(entry: Entry): boolean {
  return (entries.get(keyOf(entry.board, entry.id)) ?? []).includes(entry)
}

/** Entries of a board that the server took, and that events up to `cursor` tell. */
export function toldBy(board: string, cursor: number): Entry[] {
  return [...entries.values()]
    .flat()
    .filter((one) => one.board === board && one.settledAt !== null && one.settledAt <= cursor)
}

/** A card that the board tells, with what is pending over it. */
export function through(board: string, card: Card): Card {
  const key = keyOf(board, card.id)
  if (!entries.has(key)) return card
  bases.set(key, card)
  return overlaid(board, card)
}

/** The card with what is pending over it. */
export function overlaid(board: string, card: Card): Card {
  const pending = pendingOf(board, card.id)
  if (pending === undefined) return card
  const { body: _, ...change } = pending.change
  return { ...card, ...change }
}

/** What is pending on a task; the same object until it changes. */
export function pendingOf(board: string, id: string): Pending | undefined {
  return shown.get(keyOf(board, id))
}

/** Calls `listener` whenever anything pending changes; returns the end. */
export function watchPending(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function tell(key: string): void {
  const all = entries.get(key)
  const [first] = all ?? []
  if (all === undefined || first === undefined) shown.delete(key)
  else {
    shown.set(key, {
      change: Object.assign({}, ...all.map((one) => one.change)),
      since: first.since,
      slow: all.some((one) => one.slow),
    })
  }
  for (const one of listeners) one()
}
