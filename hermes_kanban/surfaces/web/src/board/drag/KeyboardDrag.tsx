import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { movesTo } from '@/actions/moving'
import { namesOf } from '@/actions/words'
import type { Counts, Move, Status } from '@/api/types'
import { useKeys } from '@/keys/useKeys'
import type { Pages } from '@/live/cardlists'
import { serverNow } from '@/live/clock'
import { keys } from '@/live/keys'
import { useView } from '../context'
import { askedOf, cellAsked, columnsOf } from '../filter'
import { cardElement } from '../focus'
import { columnIds, listOf } from '../grid'
import { focusedId } from '../selection'
import { type Drag, setDrag, useDrag } from './drag'
import { landingPlace, liftedWords, overWords } from './landing'
import { whyNotIn } from './targets'

/** Space lifts the card with the focus, arrows go from column to column, Space drops, Esc returns. */
export function KeyboardDrag(props: {
  lift: (id: string, by: 'keys') => boolean
  drop: () => boolean
}) {
  const { slug, grid, filter } = useView()
  const client = useQueryClient()
  const columns = columnsOf(filter)
  const drag = useDrag((one) => (one?.by === 'keys' ? one : null))
  const [said, setSaid] = useState('')
  const lists = grid.lists
  const totalOf = (status: Status) =>
    client.getQueryData<Counts>(keys.counts(slug, askedOf(filter)))?.matching[status] ??
    columnIds(lists(), status).length

  const lift = () => {
    const id = focusedId()
    const list = id === null ? undefined : listOf(lists(), id)
    if (id === null || list === undefined || !isFocused(id) || !props.lift(id, 'keys')) return
    const from = list.column as Status
    setSaid(liftedWords(id, from, columnIds(lists(), from).indexOf(id), totalOf(from)))
  }
  const go = (step: 1 | -1) => {
    if (drag === null) return
    const to = columns[columns.indexOf(drag.over ?? 'ready') + step]
    if (to === undefined) return
    setDrag({ ...drag, over: to })
    document
      .querySelector(`[data-column="${to}"]`)
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }
  const end = (isDropped: boolean) => {
    if (drag === null) return
    const names = namesOf(drag.cards)
    if (!isDropped) setDrag(null)
    const stays = isDropped ? props.drop() : true
    setSaid(stays ? `${names} stays where it was.` : `${names} dropped.`)
  }
  useKeys('board', { lift }, drag === null)
  useKeys(
    'board',
    {
      lift: () => end(true),
      open: () => end(true),
      back: () => end(false),
      left: () => go(-1),
      right: () => go(1),
      // The order of a column is the board's, so there is nothing to choose up and down.
      up: () => undefined,
      down: () => undefined,
    },
    drag !== null,
  )
  useOver(drag, (one, over) => {
    const asked = cellAsked(filter, { status: over })
    const pages = client.getQueryData<Pages>(keys.cards(slug, asked))?.pages ?? []
    const cards = pages.flatMap((page) => page.cards)
    const place = landingPlace(cards, one.taken, over, asked?.order, serverNow())
    setSaid(overWords(over, whyNotIn(one, over), needsOf(one, over), place, totalOf(over) + 1))
  })
  return (
    <p className="hidden-words" role="status" aria-label="What is dragged">
      {said}
    </p>
  )
}

/** What the first card that may go there must be told with. */
function needsOf(drag: Drag, to: Status): Move['needs'] {
  const all = drag.moves === null ? [] : movesTo(drag.moves, to)
  return all.find((one) => one.allowed)?.needs ?? null
}

function isFocused(id: string): boolean {
  return document.activeElement === cardElement(id)
}

/** Calls `say` when the cards come over another column, or it becomes known whether they may. */
function useOver(drag: Drag | null, say: (drag: Drag, over: Status) => void): void {
  const over = drag?.over ?? null
  const isKnown = drag?.moves != null
  // biome-ignore lint/correctness/useExhaustiveDependencies: said once for each place
  useEffect(() => {
    if (drag === null || over === null || !isKnown || over === drag.taken.status) return
    say(drag, over)
  }, [over, isKnown])
}
