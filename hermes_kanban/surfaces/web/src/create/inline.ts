/** In which column a task is being written; one at a time. */

import { useSyncExternalStore } from 'react'
import type { Status } from '@/api/types'

let open: Status | null = null
const listeners = new Set<() => void>()

const fields = new Set<Status>()

/** Opens the field at the top of a column; null closes it. False where that column has none. */
export function writeIn(status: Status | null): boolean {
  if (status !== null && !fields.has(status)) return false
  open = status
  for (const one of listeners) one()
  return true
}

/** Says that a column has a field; returns the end of that. */
export function addField(status: Status): () => void {
  fields.add(status)
  return () => {
    fields.delete(status)
    if (open === status) writeIn(null)
  }
}

/** Whether the field of that column is open. */
export function useIsWriting(status: Status): boolean {
  return useSyncExternalStore(subscribe, () => open === status)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
