/** Changes shown before the server has answered: into the lists at once, out again if refused. */

import type { QueryClient } from '@tanstack/react-query'
import { type Card, type Counts, statusOf } from '@/api/types'
import { welcome } from '@/board/selection'
import { onEvents, showCard } from '@/live/board'
import { belongs, type Pages } from '@/live/cardlists'
import { askedOf, keys } from '@/live/keys'
import {
  begin,
  type Change,
  drop,
  type Entry,
  isPending,
  overlaid,
  settle,
  toldBy,
} from './pending'

// Longer than any event takes; then the lists are believed.
const TOLD_MILLISECONDS = 3_000
const cursors = new Map<string, number>()

/** The card as a list of the page has it; null where none does. */
export function cardOf(client: QueryClient, board: string, id: string): Card | null {
  const lists = client.getQueriesData<Pages>({ queryKey: keys.lists(board) })
  for (const [, pages] of lists) {
    for (const page of pages?.pages ?? []) {
      const found = page.cards.find((one) => one.id === id)
      if (found !== undefined) return found
    }
  }
  return null
}

/** Shows the change at once, under the pointer too: it was asked for here. */
export function show(client: QueryClient, board: string, id: string, change: Change): Entry {
  welcome([id])
  const card = cardOf(client, board, id)
  const entry = begin(board, id, change, card)
  if (card !== null) {
    const next = overlaid(board, card)
    showCard(client, board, next)
    recount(client, board, card, next)
  }
  return entry
}

/** Lets cards be shown at once where they come to, now that it is known which: a new one, say. */
export function letIn(client: QueryClient, board: string, ids: readonly string[]): void {
  welcome(ids)
  for (const id of ids) {
    const card = cardOf(client, board, id)
    // It may have come before it was welcome.
    if (card !== null) showCard(client, board, { ...card })
  }
}

/** The server refused: everything is as the board tells it. */
export function takeBack(client: QueryClient, entry: Entry): void {
  const shown = cardOf(client, entry.board, entry.id)
  const card = drop(entry)
  if (card === null) return
  showCard(client, entry.board, card)
  if (shown !== null) recount(client, entry.board, shown, card)
}

/** The server took it: it stays until the live board tells the same. */
export function keep(client: QueryClient, entry: Entry, cursor: number, known: Change): void {
  settle(entry, cursor, known)
  const shown = cardOf(client, entry.board, entry.id)
  if (shown !== null) showCard(client, entry.board, overlaid(entry.board, shown))
  if ((cursors.get(entry.board) ?? 0) >= cursor) void finish(client, entry)
  else setTimeout(() => void finish(client, entry), TOLD_MILLISECONDS)
  listenWith(client)
}

/** The task's own page reads what the board tells before what was pending goes. */
async function finish(client: QueryClient, entry: Entry): Promise<void> {
  if (!isPending(entry)) return
  const queryKey = keys.wholeTask(entry.board, entry.id)
  await client.refetchQueries({ queryKey, type: 'active' }, { cancelRefetch: false })
  const card = drop(entry)
  const isTold = (cursors.get(entry.board) ?? 0) >= (entry.settledAt ?? 0)
  if (card !== null && isTold) showCard(client, entry.board, card)
}

let listening = false

function listenWith(client: QueryClient): void {
  if (listening) return
  listening = true
  onEvents((message) => {
    cursors.set(message.board, message.cursor)
    for (const entry of toldBy(message.board, message.cursor)) void finish(client, entry)
  })
}

/** Counts follow a card that changes its column; the server's own come soon after. */
function recount(client: QueryClient, board: string, from: Card, to: Card): void {
  if (from.status === to.status) return
  const kept = client.getQueriesData<Counts>({ queryKey: keys.allCounts(board) })
  for (const [key, counts] of kept) {
    if (counts === undefined) continue
    const isIn = belongs(from, { ...askedOf(key), status: [statusOf(from)] }) === true
    client.setQueryData<Counts>(key, {
      ...counts,
      all: shifted(counts.all, from.status, to.status),
      matching: isIn ? shifted(counts.matching, from.status, to.status) : counts.matching,
    })
  }
}

function shifted(counts: Counts['all'], from: string, to: string): Counts['all'] {
  return {
    ...counts,
    [from]: Math.max(0, (counts[from] ?? 0) - 1),
    [to]: (counts[to] ?? 0) + 1,
  }
}
