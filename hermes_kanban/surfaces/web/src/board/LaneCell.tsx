import { useEffect, useRef, useState } from 'react'
import type { Card as CardData, Status } from '@/api/types'
import { count } from '@/kit/numbers'
import { statusName } from '@/kit/sentences'
import { useView } from './context'
import { DraggableCard } from './drag/DraggableCard'
import { DropLine } from './drag/DropLine'
import { DropMark } from './drag/DropWord'
import { useDrag } from './drag/drag'
import { type Cell, cellAsked } from './filter'
import { Held } from './Held'
import { useColumn } from './useColumn'
import { useHand, useSteady } from './useSteady'

/** How many cards of a cell are shown at first, so that lanes stay near each other. */
export function cellCards(status: Status): number {
  return status === 'done' || status === 'archived' ? 3 : 10
}

const GAP = 6
const HEIGHTS: Partial<Record<Status, number>> = { running: 130, review: 122, blocked: 142 }
const HEIGHT = 92

/** About how high a cell of so many tasks will be, before they are read. */
export function cellHeight(status: Status, total: number): number {
  const cards = Math.min(total, cellCards(status))
  const more = total > cards ? MORE_HEIGHT : 0
  return cards === 0 ? 0 : cards * ((HEIGHTS[status] ?? HEIGHT) + GAP) - GAP + more
}

const MORE_HEIGHT = 34

/** And how many more by each press. */
const MORE_CARDS = 60

const HALF_A_GAP = 4
const NONE: readonly CardData[] = []

/** The cards of one column in one lane: the first of them, and more when asked. */
export function LaneCell(props: { cell: Cell; row: number; total: number; label: string }) {
  const { cell, row, total, label } = props
  const { grid, filter } = useView()
  const list = useRef<HTMLUListElement>(null)
  const isDragging = useDrag((drag) => drag !== null)
  const { cards, asked, hasMore, more } = useColumn(cell, total > 0)
  const frame = useRef<HTMLDivElement>(null)
  const hand = useHand(frame)
  const { places, held, show } = useSteady(cards ?? NONE, asked, hand.isIn)
  const [most, setMost] = useState(() => cellCards(cell.status))
  const shown = places.slice(0, most)
  const latest = useRef(shown)
  latest.current = shown
  useEffect(
    () =>
      grid.add({
        column: cell.status,
        row,
        ids: () => latest.current.map((one) => one.card.id),
        has: (id) => latest.current.some((one) => one.card.id === id && !one.gone),
        reveal: () => undefined,
      }),
    [grid, cell.status, row],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: says that the places changed
  useEffect(grid.changed, [grid, places, most])
  useEffect(() => {
    if (hasMore && most > places.length) more()
  }, [hasMore, most, places.length, more])
  const left = total - shown.length - held.length
  return (
    <div
      ref={frame}
      className={`lane-cell ${cell.status}`}
      data-column={cell.status}
      style={cards === undefined ? { minHeight: cellHeight(cell.status, total) } : undefined}
      {...hand.handlers}
    >
      <Held held={held} column={cell.status} onShow={show} />
      {(shown.length > 0 || isDragging) && (
        <ul aria-label={label} ref={list}>
          {shown.map(({ card, gone }) => (
            <li key={card.id}>
              <DraggableCard card={card} gone={gone ? statusName(cell.status) : undefined} />
            </li>
          ))}
          <DropLine
            status={cell.status}
            asked={cellAsked(filter, cell)}
            places={shown}
            topOf={(place) => topOf(list.current, place)}
          />
        </ul>
      )}
      {cards !== undefined && left > 0 && (
        <button type="button" className="lane-more" onClick={() => setMost(most + MORE_CARDS)}>
          {count(left)} more
        </button>
      )}
      <DropMark status={cell.status} />
    </div>
  )
}

/** Where a place of the list begins, between the cards around it. */
function topOf(list: HTMLElement | null, place: number): number {
  const cards = [...(list?.querySelectorAll<HTMLElement>(':scope > li:not(.drop-line)') ?? [])]
  const next = cards[place]
  if (next !== undefined) return next.offsetTop - HALF_A_GAP
  const last = cards.at(-1)
  return last === undefined ? 0 : last.offsetTop + last.offsetHeight + HALF_A_GAP - 2
}
