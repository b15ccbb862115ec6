import { useEffect, useRef } from 'react'
import { useOpenedTask } from '@/app/places'
import { useKeys } from '@/keys/useKeys'
import { toast } from '@/kit/toasts'
import { offlineSentence } from '@/live/connection'
import { useView } from './context'
import { columnsOf } from './filter'
import { cardAtHeight, cardElement, cardInFocus, focusCard } from './focus'
import { beside, columnBeside, columnIds, firstCard, type Grid, listOf } from './grid'
import {
  clearSelection,
  extendFrom,
  focusedId,
  setFocused,
  suggest,
  toggle,
  useSelected,
} from './selection'

/** The keys of the board, and where the focus goes. It shows nothing. */
export function BoardKeys() {
  const { grid, filter, open, openPage } = useView()
  const opened = useOpenedTask()
  const hasSelection = useSelected().size > 0
  const columns = columnsOf(filter)
  useReturn(grid, opened, columns)
  useEffect(() => () => clearSelection(), [])

  const go = (id: string | null, column?: string) => {
    if (id !== null) focusCard(grid, id, column)
  }
  /** Acts on the card with the focus; the first key of all gives it to a card. */
  const from = (act: (id: string, column: string) => void) => () => {
    const at = cardInFocus()
    if (at !== null) {
      act(at.id, at.column)
      return
    }
    const last = focusedId()
    const isThere = last !== null && listOf(grid.lists(), last) !== undefined
    go(isThere ? last : firstCard(grid.lists(), columns))
  }
  const vertical = (step: 1 | -1) =>
    from((id, column) => go(beside(grid.lists(), column, id, step), column))
  const horizontal = (step: 1 | -1, top: boolean) =>
    from((id, column) => {
      const to = columnBeside(grid.lists(), columns, column, step)
      if (to === null) return
      const [first = null] = columnIds(grid.lists(), to)
      go(top ? first : (cardAtHeight(to, cardElement(id, column)) ?? first), to)
    })
  const extend = (step: 1 | -1) =>
    from((id, column) => {
      const next = beside(grid.lists(), column, id, step)
      if (next === null) return
      extendFrom(id, next)
      go(next, column)
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
      open: from((id) => open(id)),
      // Its first words are why it does not run.
      why: from((id) => open(id)),
      log: from((id) => open(id, 'log')),
      openPage: from(openPage),
      select: from(toggle),
      answer: (_, which) => from((id, column) => press(id, column, which))(),
      extendDown: extend(1),
      extendUp: extend(-1),
      ...(hasSelection ? { back: clearSelection } : {}),
    },
    opened === null,
  )
  useStop(grid, columns)
  useFollow(grid)
  return null
}

/** Presses a button with which the card is answered. */
function press(id: string, column: string, which: number): void {
  const buttons = cardElement(id, column)?.querySelectorAll('.card-answers button')
  const button = buttons?.[which]
  if (!(button instanceof HTMLButtonElement)) return
  const offline = button.disabled ? offlineSentence() : null
  if (offline === null) button.click()
  else toast(`Nothing changed. ${offline}`, { bad: true })
}

/** Gives the focus back to the card whose drawer was open, to where it went, or to its neighbour. */
function useReturn(grid: Grid, opened: string | null, columns: readonly string[]): void {
  const left = useRef<{ id: string; around: string[] } | null>(null)
  const newest = useRef(columns)
  newest.current = columns
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
      const lists = grid.lists()
      const found = [was.id, ...was.around].find((id) => listOf(lists, id) !== undefined)
      const to = found ?? firstCard(lists, newest.current)
      if (to !== null) focusCard(grid, to)
    }, 0)
    return () => clearTimeout(timer)
  }, [grid, opened])
}

/** Lets the focus follow a card that went while it had it, wherever that was sent from. */
function useFollow(grid: Grid): void {
  useEffect(() => {
    let had: string | null = null
    const note = ({ target }: Event) => {
      const card = target instanceof Element ? target.closest<HTMLElement>('[data-card]') : null
      had = card?.dataset.card ?? null
    }
    // A focus that goes with its element tells nobody; a press elsewhere gives it up.
    document.addEventListener('focusin', note)
    document.addEventListener('pointerdown', note)
    const end = grid.watch(() => {
      const isLost = document.activeElement === null || document.activeElement === document.body
      if (isLost && had !== null && listOf(grid.lists(), had) !== undefined) focusCard(grid, had)
    })
    return () => {
      document.removeEventListener('focusin', note)
      document.removeEventListener('pointerdown', note)
      end()
    }
  }, [grid])
}

/** Sees that Tab always comes to one card of the board. */
function useStop(grid: Grid, columns: readonly string[]): void {
  const newest = useRef(columns)
  newest.current = columns
  useEffect(
    () =>
      grid.watch(() => {
        const id = focusedId()
        const isThere = id !== null && listOf(grid.lists(), id) !== undefined
        if (!isThere && cardInFocus()?.id !== id) setFocused(null)
        suggest(firstCard(grid.lists(), newest.current))
      }),
    [grid],
  )
}
