/** In which column a task is being written; one at a time. */

import { useSyncExternalStore } from 'react'
import type { Status } from '@/api/types'

let open: Status | null = null
let from: Element | null = null
const listeners = new Set<() => void>()

const fields = new Set<Status>()

/** Opens the field at the top of a column; null closes it. False where that column has none. */
export function writeIn(status: Status | null): boolean {
  if (status !== null && !fields.has(status)) return false
  if (status !== null && open === null) from = document.activeElement
  open = status
  for (const one of listeners) one()
  return true
}

/** Closes the field, and gives the focus back to what had it: the card, or the button. */
export function leave(): void {
  const button = document.querySelector(`[data-column="${open}"] .column-new`)
  const card = from?.closest('[data-card]')?.getAttribute('data-card')
  const again = card && document.querySelector(`[data-card="${card}"]:not(.is-gone)`)
  const isThere = from !== null && from !== document.body && from.isConnected
  const back = isThere ? from : again || button
  writeIn(null)
  if (back instanceof HTMLElement) back.focus()
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
