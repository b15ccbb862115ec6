/** What live events do to the answers that the page keeps. */

import type { Query, QueryClient } from '@tanstack/react-query'
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { through } from '@/actions/pending'
import type { Card, Gateway } from '@/api/types'
import { belongs, type Pages, place, remove } from './cardlists'
import { askedOf, keys } from './keys'
import { isUnderWay, onceThere, payWhatIsOwed, readAnew } from './meanwhile'
import { live, type Place } from './socket'
import type { EventsMessage } from './words'

// Counts and lists that only the server can tell are read anew at most this often.
const SOON_MILLISECONDS = 120
const LEISURE_MILLISECONDS = 2_000

type Arrivals = (message: EventsMessage) => void
const arrivals = new Set<Arrivals>()

/** Calls `listener` with every message of events, after the lists have taken it in. */
export function onEvents(listener: Arrivals): () => void {
  arrivals.add(listener)
  return () => arrivals.delete(listener)
}

/**
 * Keeps everything that is known of a board true; once in the page, around what shows the board.
 * `start` is the place at which it was first read: a later one is not looked at.
 */
export function useLiveBoard(board: string, start: Place): Gateway | null | undefined {
  const client = useQueryClient()
  const from = useRef(start)
  const [gateway, setGateway] = useState<Gateway | null | undefined>(undefined)
  useEffect(() => {
    const soon = later(SOON_MILLISECONDS)
    const leisure = later(LEISURE_MILLISECONDS)
    const endPaying = payWhatIsOwed(client)
    const end = live.listen(board, from.current, {
      events(message) {
        takeIn(client, board, message)
        soon(() => readSoon(client, board))
        leisure(() => readAtLeisure(client, board))
        for (const one of arrivals) one(message)
      },
      reset() {
        readAnew(client, keys.board(board))
        readAnew(client, keys.boards)
      },
      heard() {
        // What could not be read meanwhile; all else is told by the events that follow.
        const failed = (query: Query) => query.state.error !== null
        void client.invalidateQueries({ queryKey: keys.board(board), predicate: failed })
      },
      presence(found) {
        setGateway(found)
        readAnew(client, keys.slow(board, 'health'))
      },
    })
    return () => {
      end()
      endPaying()
      soon(null)
      leisure(null)
    }
  }, [board, client])
  return gateway
}

function takeIn(client: QueryClient, board: string, message: EventsMessage): void {
  for (const card of message.cards ?? []) putCard(client, board, card)
  for (const id of message.gone ?? []) dropCard(client, board, id)
  const touched = new Set([...message.events.flatMap(tasksOf), ...(message.gone ?? [])])
  for (const id of touched) {
    readAnew(client, keys.wholeTask(board, id))
  }
}

/** The tasks whose pages an event changes: a link is of both its ends. */
function tasksOf(event: EventsMessage['events'][number]): string[] {
  const { link } = event.payload as { link?: { parent_id: string; child_id: string } }
  const ends = link === undefined ? [] : [link.parent_id, link.child_id]
  return event.task_id === null ? ends : [event.task_id, ...ends]
}

/** Puts a card as the board tells it, with what is pending, where it belongs. */
export function putCard(client: QueryClient, board: string, card: Card): void {
  showCard(client, board, through(board, card))
}

/** Puts a card as it is to be shown into every list of the board where it belongs. */
export function showCard(client: QueryClient, board: string, card: Card): void {
  const asked = (query: Query) => askedOf(query.queryKey)
  changeLists(client, board, card.id, (query, pages) => {
    const isIn = belongs(card, asked(query))
    if (isIn !== null) return place(pages, card, isIn, asked(query).order)
    readAnew(client, query.queryKey, true)
    return pages
  })
}

function dropCard(client: QueryClient, board: string, id: string): void {
  changeLists(client, board, id, (_, pages) => remove(pages, id))
}

function changeLists(
  client: QueryClient,
  board: string,
  id: string,
  change: (query: Query, pages: Pages) => Pages,
): void {
  for (const query of client.getQueryCache().findAll({ queryKey: keys.lists(board) })) {
    const act = () =>
      client.setQueryData<Pages>(query.queryKey, (pages) => pages && change(query, pages))
    if (isUnderWay(query)) onceThere(query, id, act)
    act()
  }
}

function readSoon(client: QueryClient, board: string): void {
  readAnew(client, keys.allCounts(board))
  readAnew(client, keys.attention(board))
}

function readAtLeisure(client: QueryClient, board: string): void {
  readAnew(client, keys.allSlow(board))
}

/** Runs the last of what it is given, at most once in `milliseconds`; null takes it back. */
function later(milliseconds: number): (act: (() => void) | null) => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let wanted: (() => void) | null = null
  return (act) => {
    wanted = act
    if (act === null) {
      clearTimeout(timer)
      timer = undefined
      return
    }
    timer ??= setTimeout(() => {
      timer = undefined
      wanted?.()
    }, milliseconds)
  }
}
