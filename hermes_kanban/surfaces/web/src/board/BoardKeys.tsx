import { useEffect, useRef } from 'react'
import { useOpenedTask } from '@/app/places'
import { useKeys } from '@/keys/useKeys'
import { useView } from './context'
import { columnsOf } from './filter'
import { cardAtHeight, cardElement, focusCard } from './focus'
import { beside, columnBeside, columnIds, firstCard, type Grid, listOf } from './grid'
import { clearSelection, extendFrom, focusedId, setFocused, toggle, useSelected } from './selection'

/** The keys of the board, and where the focus goes. It shows nothing. */
export function BoardKeys() {
  const { grid, filter, open, openPage } = useView()
  const opened = useOpenedTask()
  const hasSelection = useSelected().size > 0
  const columns = columnsOf(filter)
  useReturn(grid, opened)
  useEffect(() => () => clearSelection(), [])

  const go = (id: string | null) => {
    if (id !== null) focusCard(grid, id)
  }
  /** Acts on the card with the focus; the first key of all gives it to the first card. */
  const from = (act: (id: string) => void) => () => {
    const id = focusedId()
    const isThere = id !== null && listOf(grid.lists(), id) !== undefined
    if (isThere && cardElement(id)?.contains(document.activeElement) === true) act(id)
    else go(isThere ? id : firstCard(grid.lists(), columns))
  }
  const vertical = (step: 1 | -1) => from((id) => go(beside(grid.lists(), id, step)))
  const horizontal = (step: 1 | -1, top: boolean) =>
    from((id) => {
      const list = listOf(grid.lists(), id)
      const to = list && columnBeside(grid.lists(), columns, list.column, step)
      if (!to) return
      const [first = null] = columnIds(grid.lists(), to)
      go(top ? first : (cardAtHeight(to, cardElement(id)) ?? first))
    })
  const extend = (step: 1 | -1) =>
    from((id) => {
      const next = beside(grid.lists(), id, step)
      if (next === null) return
      extendFrom(id, next)
      go(next)
    })
  useKeys(
    'board',
    {
      down: vertical(1),
      up: vertical(-1),
      left: horizontal(-1, false),
      right: horizontal(1, false),
      columnLeft: horizontal(-1, true),
      columnRight: horizontal(1, true),
      open: from(open),
      openPage: from(openPage),
      select: from(toggle),
      extendDown: extend(1),
      extendUp: extend(-1),
      ...(hasSelection ? { back: clearSelection } : {}),
    },
    opened === null,
  )
  useStop(grid, columns)
  return null
}

/** Gives the focus back to the card whose drawer was open, to where it went, or to its neighbour. */
function useReturn(grid: Grid, opened: string | null): void {
  const left = useRef<{ id: string; around: string[] } | null>(null)
  useEffect(() => {
    if (opened !== null) {
      const list = listOf(grid.lists(), opened)
      const ids = list === undefined ? [] : columnIds(grid.lists(), list.column)
      const at = ids.indexOf(opened)
      left.current = { id: opened, around: [...ids.slice(at + 1), ...ids.slice(0, at).reverse()] }
      return
    }
    const was = left.current
    left.current = null
    if (was === null) return
    // After whatever the drawer does with the focus when it closes.
    const timer = setTimeout(() => {
      const found = [was.id, ...was.around].find((id) => listOf(grid.lists(), id) !== undefined)
      if (found !== undefined) focusCard(grid, found)
    }, 0)
    return () => clearTimeout(timer)
  }, [grid, opened])
}

/** Sees that Tab always comes to one card of the board. */
function useStop(grid: Grid, columns: readonly string[]): void {
  const newest = useRef(columns)
  newest.current = columns
  useEffect(
    () =>
      grid.watch(() => {
        const id = focusedId()
        if (id !== null && listOf(grid.lists(), id) !== undefined) return
        setFocused(firstCard(grid.lists(), newest.current))
      }),
    [grid],
  )
}
