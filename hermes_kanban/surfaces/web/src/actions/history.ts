/** What was done on this page and can be taken back, the newest last. */

const KEPT = 50
/** In place of a task's id, where the board was paused or resumed. */
export const THE_BOARD = ''
const stacks = new Map<string, string[][]>()

/** Remembers one action by the tasks that it changed. */
export function remember(board: string, ids: readonly string[]): void {
  if (ids.length === 0) return
  stacks.set(board, [...stackOf(board), [...ids]].slice(-KEPT))
}

/**
 * The tasks of the newest action, which is forgotten with those before it on the same tasks: the
 * last word on a task is then the undo. Null where nothing is remembered.
 */
export function takeNewest(board: string): string[] | null {
  const stack = stackOf(board)
  const newest = stack.at(-1)
  if (newest === undefined) return null
  stacks.set(
    board,
    stack.filter((ids) => !ids.some((id) => newest.includes(id))),
  )
  return newest
}

function stackOf(board: string): string[][] {
  return stacks.get(board) ?? []
}

const underWay = new Map<string, Set<Promise<unknown>>>()

/** Says that something is being done that may be taken back; returns it. */
export function during<T>(board: string, doing: Promise<T>): Promise<T> {
  const all = underWay.get(board) ?? new Set()
  underWay.set(board, all.add(doing))
  const end = () => void all.delete(doing)
  void doing.then(end, end)
  return doing
}

/** Comes when all that is under way is done and remembered: Z may be quicker than the server. */
export async function settled(board: string): Promise<void> {
  await Promise.allSettled(underWay.get(board) ?? [])
}
