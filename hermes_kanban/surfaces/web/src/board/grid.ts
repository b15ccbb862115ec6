/** Where cards are on the page, for keys: which is below, which is beside, which is next. */

/** A list of cards that is on the page. */
export interface GridList {
  /** Its column. */
  column: string
  /** What stands above it in the same column, by order: its lane. */
  row: number
  /** All places from top to bottom, those of cards that left too. */
  ids: () => readonly string[]
  /** Whether the card itself is here, and not only the place that it left. */
  has: (id: string) => boolean
  /** Brings a card into view, so that it is rendered. */
  reveal: (id: string) => void
}

export interface Grid {
  add: (list: GridList) => () => void
  lists: () => readonly GridList[]
  /** Calls `listener` once after any number of changes. */
  watch: (listener: () => void) => () => void
  /** Says that the ids of a list changed. */
  changed: () => void
}

/** The lists of one board view. */
export function makeGrid(): Grid {
  const lists = new Set<GridList>()
  const watchers = new Set<() => void>()
  let isTold = false
  const changed = () => {
    if (isTold) return
    isTold = true
    queueMicrotask(() => {
      isTold = false
      for (const one of watchers) one()
    })
  }
  return {
    add(list) {
      lists.add(list)
      changed()
      return () => {
        lists.delete(list)
        changed()
      }
    },
    lists: () => [...lists],
    watch(listener) {
      watchers.add(listener)
      return () => watchers.delete(listener)
    },
    changed,
  }
}

/** The ids of a column from top to bottom, through its lanes. */
export function columnIds(lists: readonly GridList[], column: string): string[] {
  return lists
    .filter((one) => one.column === column)
    .toSorted((a, b) => a.row - b.row)
    .flatMap((one) => one.ids())
}

/** The list in which a card is. */
export function listOf(lists: readonly GridList[], id: string): GridList | undefined {
  return lists.find((one) => one.has(id))
}

/** The card above or below in its column, null at the end. */
export function beside(
  lists: readonly GridList[],
  column: string,
  id: string,
  step: 1 | -1,
): string | null {
  const ids = columnIds(lists, column)
  const at = ids.indexOf(id)
  return at < 0 ? null : (ids[at + step] ?? null)
}

/** The next column to that side that has cards, null where none has. */
export function columnBeside(
  lists: readonly GridList[],
  columns: readonly string[],
  from: string,
  step: 1 | -1,
): string | null {
  for (let at = columns.indexOf(from) + step; at >= 0 && at < columns.length; at += step) {
    const column = columns[at]
    if (column !== undefined && columnIds(lists, column).length > 0) return column
  }
  return null
}

/** The first card of the page. */
export function firstCard(lists: readonly GridList[], columns: readonly string[]): string | null {
  for (const column of columns) {
    const first = columnIds(lists, column).find((id) => listOf(lists, id) !== undefined)
    if (first !== undefined) return first
  }
  return null
}
