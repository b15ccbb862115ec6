import { navigate } from 'wouter/use-browser-location'
import { placeOf, taskPlace } from '@/app/places'

/** Opens a task: in the drawer over a view of its board, else on its own page. */
export function openTask(board: string, id: string): void {
  const here = location.pathname
  if (!here.startsWith(placeOf(board)) || here.includes('/t/')) {
    navigate(taskPlace(board, id))
    return
  }
  const search = new URLSearchParams(location.search)
  search.delete('part')
  search.delete('run')
  search.set('task', id)
  navigate(`${here}?${search}`)
}

/** The address of a task, to be sent to others. */
export function linkOf(board: string, id: string): string {
  return location.origin + taskPlace(board, id)
}
