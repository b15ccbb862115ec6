import { defaultRangeExtractor, type Range, useVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef } from 'react'
import { sentenceOf } from '@/api/problem'
import type { Card as CardData } from '@/api/types'
import { statusName } from '@/kit/sentences'
import { useView } from './context'
import { DraggableCard } from './drag/DraggableCard'
import { DropLine } from './drag/DropLine'
import { type Cell, cellAsked } from './filter'
import { Held } from './Held'
import { focusedId } from './selection'
import { useAnchor } from './useAnchor'
import { useColumn } from './useColumn'
import { useHand, useSteady } from './useSteady'

const GAP = 6
const OVERSCAN = 10
const SKELETON = [86, 104, 86]

/** The cards of a column in their scroller: only those in sight are rendered. */
export function CardList({ cell, label }: { cell: Cell; label: string }) {
  const { grid, compact, filter } = useView()
  const { cards, asked, error, hasMore, more } = useColumn(cell)
  const scroller = useRef<HTMLDivElement>(null)
  const frame = useRef<HTMLDivElement>(null)
  const hand = useHand(frame)
  const { places, held, show } = useSteady(cards ?? NONE, asked, hand.isIn)
  const latest = useRef(places)
  latest.current = places
  const extract = useCallback((range: Range) => {
    // The card with the focus stays rendered, so that the focus is not lost by scrolling.
    const shown = defaultRangeExtractor(range)
    const focused = latest.current.findIndex((one) => one.card.id === focusedId())
    if (focused < 0 || shown.includes(focused)) return shown
    return [...shown, focused].toSorted((a, b) => a - b)
  }, [])
  const virtual = useVirtualizer({
    count: places.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => estimate(places[index]?.card, compact),
    getItemKey: (index) => places[index]?.card.id ?? index,
    rangeExtractor: extract,
    overscan: OVERSCAN,
    gap: GAP,
    paddingStart: 3,
    paddingEnd: 16,
    scrollPaddingStart: 4,
    scrollPaddingEnd: 16,
    useFlushSync: false,
  })
  useEffect(
    () =>
      grid.add({
        column: cell.status,
        row: 0,
        ids: () => latest.current.map((one) => one.card.id),
        has: (id) => latest.current.some((one) => one.card.id === id && !one.gone),
        reveal: (id) => {
          const index = latest.current.findIndex((one) => one.card.id === id)
          if (index >= 0) virtual.scrollToIndex(index, { align: 'auto' })
        },
      }),
    [grid, cell.status, virtual],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: says that the places changed
  useEffect(grid.changed, [grid, places])
  const items = virtual.getVirtualItems()
  const end = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasMore && end >= places.length - OVERSCAN - 1) more()
  }, [hasMore, end, places.length, more])
  useTopAnew(scroller, asked)
  useAnchor(virtual, places)
  return (
    <div className="cards-frame" ref={frame} {...hand.handlers}>
      <Held held={held} column={cell.status} onShow={show} />
      <div className="cards" ref={scroller} aria-busy={cards === undefined && error === null}>
        {cards === undefined && error === null && <Skeleton />}
        {error !== null && cards === undefined && (
          <p className="column-error">{sentenceOf(error)}</p>
        )}
        <ul aria-label={label} style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const place = places[item.index]
            if (place === undefined) return null
            return (
              <li
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className="slot"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <DraggableCard
                  card={place.card}
                  gone={place.gone ? statusName(cell.status) : undefined}
                />
              </li>
            )
          })}
          <DropLine
            status={cell.status}
            asked={cellAsked(filter, cell)}
            places={places}
            topOf={(place) => {
              const all = virtual.measurementsCache
              return (all[place]?.start ?? (all.at(-1)?.end ?? 0) + GAP) - GAP / 2 - 1
            }}
          />
        </ul>
      </div>
    </div>
  )
}

const NONE: readonly CardData[] = []

/** Another filter begins at the top. */
function useTopAnew(scroller: RefObject<HTMLDivElement | null>, asked: string): void {
  const before = useRef(asked)
  useLayoutEffect(() => {
    if (before.current !== asked && scroller.current !== null) scroller.current.scrollTop = 0
    before.current = asked
  }, [scroller, asked])
}

/** Close enough that scrolling does not jump before a card is measured. */
function estimate(card: CardData | undefined, compact: boolean): number {
  if (compact) return card?.live == null ? 51 : 96
  if (card === undefined) return 86
  const lines = Math.min(3, Math.ceil(card.title.length / 24))
  const why = card.status === 'blocked' ? 50 : 0
  const answers = ['blocked', 'review'].includes(card.status) ? 29 : 0
  return 56 + lines * 17 + why + answers + (card.live === null ? 0 : 46)
}

/** Three cards in their size, while nothing is known. */
function Skeleton() {
  return (
    <div aria-hidden="true" className="skeletons">
      {SKELETON.map((height, index) => (
        <div key={index} className="skeleton" style={{ height }} />
      ))}
    </div>
  )
}
