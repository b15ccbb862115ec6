/** Where cards are on the page, for keys: which is below, which is beside, which is next. */

/** A list of cards that is on the page. */
export interface GridList {
  /** Its column. */
  column: string
  /** What stands above it in the same column, by order: its lane. */
  row: number
  ids: () => readonly string[]
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
  return lists.find((one) => one.ids().includes(id))
}

/** The card above or below, null at the end. */
export function beside(lists: readonly GridList[], id: string, step: 1 | -1): string | null {
  const list = listOf(lists, id)
  if (list === undefined) return null
  const ids = columnIds(lists, list.column)
  return ids[ids.indexOf(id) + step] ?? null
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
    const [first] = columnIds(lists, column)
    if (first !== undefined) return first
  }
  return null
}
