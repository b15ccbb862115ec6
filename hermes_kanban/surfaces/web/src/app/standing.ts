/** How the board stands, in one of four words. */

import type { Gateway } from '@/api/types'

export interface Standing {
  word: 'Gateway' | 'Standby' | 'Degraded' | 'No gateway'
  /** The status whose colour it has. */
  status: 'done' | 'todo' | 'running' | 'blocked'
}

/**
 * The four words of a gateway; standby is a board that one is about to take over. `served` tells that
 * one runs the board, be it on another host.
 */
export function standingOf(
  gateway: Gateway | null | undefined,
  standby: readonly Gateway[] = [],
  served = false,
): Standing {
  if (gateway == null) {
    if (served) return { word: 'Gateway', status: 'done' }
    return standby.length > 0
      ? { word: 'Standby', status: 'todo' }
      : { word: 'No gateway', status: 'blocked' }
  }
  if (gateway.degraded.length > 0) return { word: 'Degraded', status: 'running' }
  return { word: 'Gateway', status: 'done' }
}
