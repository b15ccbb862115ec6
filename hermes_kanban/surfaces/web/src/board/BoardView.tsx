import { useQuery } from '@tanstack/react-query'
import {
  type ComponentType,
  lazy,
  type RefObject,
  Suspense,
  useCallback,
  useMemo,
  useRef,
  useState,
} from 'react'
import { useLocation, useSearchParams } from 'wouter'
import { held } from '@/api/client'
import type { Card } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { useOpenTask } from '@/app/places'
import { usePreferences } from '@/app/preferences'
import { useLaneCounts } from '@/app/reads'
import { NARROW, useMedia } from '@/kit/useMedia'
import { useDeafSince } from '@/live/connection'
import { keys } from '@/live/keys'
import { BoardActions } from './BoardActions'
import { BoardKeys } from './BoardKeys'
import { Columns } from './Columns'
import { type View, ViewContext } from './context'
import { EmptyBoard } from './EmptyBoard'
import { FilterBar, NothingMatches } from './FilterBar'
import { askedOf, readFilter, readLanes } from './filter'
import { columnIds, listOf, makeGrid } from './grid'
import { Lanes, NarrowLanes } from './Lanes'
import { extendTo, toggle } from './selection'
import { useRunning } from './useRunning'
import './board.css'

// It shows nothing before a card is taken, and comes while the first cards are read.
// Without it cards are moved by menu.
const dragBoard = import('./drag/DragBoard').catch(() => ({ default: () => null }))
const DragBoard = lazy<ComponentType<{ board: RefObject<HTMLElement | null> }>>(() => dragBoard)

/** The columns of the board, what narrows them, and the keys that go through them. */
export function BoardView() {
  const { slug } = useBoard()
  const client = useClient()
  const [search] = useSearchParams()
  const address = search.toString()
  const filter = useMemo(() => readFilter(new URLSearchParams(address)), [address])
  const lanes = readLanes(search)
  const [grid] = useState(makeGrid)
  const frame = useRef<HTMLDivElement>(null)
  const { density, showCost } = usePreferences()
  const deafSince = useDeafSince()
  const openTask = useOpenTask()
  const [, navigate] = useLocation()
  const asked = { ...askedOf(filter), ...(lanes === null ? {} : { lanes }) }
  const counts = useQuery({
    queryKey: keys.counts(slug, asked),
    queryFn: async ({ signal }) =>
      held(await client.GET('/counts', { params: { query: asked }, signal })),
    placeholderData: (before) => before,
  })
  const tenants = useLaneCounts('tenant').data?.filter((one) => one.name !== null).length ?? 0
  const LaneView = useMedia(NARROW) ? NarrowLanes : Lanes
  const pick = useCallback(
    (card: Card, extend: boolean) => {
      const list = listOf(grid.lists(), card.id)
      if (extend && list !== undefined) extendTo(card.id, columnIds(grid.lists(), list.column))
      else toggle(card.id)
    },
    [grid],
  )
  const view: View = useMemo(
    () => ({
      slug,
      filter,
      grid,
      compact: density === 'compact',
      showCost,
      showTenant: tenants > 1 && lanes !== 'tenant',
      deafSince,
      open: openTask,
      openPage: (id) => navigate(`/t/${id}`),
      pick,
    }),
    [slug, filter, grid, density, showCost, tenants, lanes, deafSince, openTask, navigate, pick],
  )
  useRunning(slug, filter, (counts.data?.all.running ?? 0) > 0 && deafSince === null)
  const all = counts.data?.all
  if (all !== undefined && Object.values(all).every((one) => one === 0)) return <EmptyBoard />
  return (
    <ViewContext value={view}>
      <div className="board" ref={frame}>
        <FilterBar counts={counts.data} lanes={lanes} />
        {lanes === null ? (
          <Columns counts={counts.data} />
        ) : (
          <LaneView kind={lanes} counts={counts.data} />
        )}
        <NothingMatches counts={counts.data} />
        <BoardKeys />
        <BoardActions />
      </div>
      <Suspense fallback={null}>
        <DragBoard board={frame} />
      </Suspense>
    </ViewContext>
  )
}
