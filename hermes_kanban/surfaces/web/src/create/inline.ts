/** In which column a task is being written; one at a time. */

import { useSyncExternalStore } from 'react'
import type { Status } from '@/api/types'

let open: Status | null = null
const listeners = new Set<() => void>()

/** Opens the field at the top of a column; null closes it. */
export function writeIn(status: Status | null): void {
  open = status
  for (const one of listeners) one()
}

/** Whether the field of that column is open. */
export function useIsWriting(status: Status): boolean {
  return useSyncExternalStore(subscribe, () => open === status)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
