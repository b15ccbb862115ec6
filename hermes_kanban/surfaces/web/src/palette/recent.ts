/** The tasks that were opened last in this tab, by board. */

const KEPT = 20

/** The ids, the newest first. */
export function recentTasks(board: string): readonly string[] {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(placeOf(board)) ?? '[]')
    return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}

/** Remembers that this task was opened. */
export function noteOpened(board: string, id: string): void {
  const all = [id, ...recentTasks(board).filter((one) => one !== id)]
  try {
    sessionStorage.setItem(placeOf(board), JSON.stringify(all.slice(0, KEPT)))
  } catch {
    // Storage is off: nothing is recent.
  }
}

function placeOf(board: string): string {
  return `hermes-kanban.recent.${board}`
}
