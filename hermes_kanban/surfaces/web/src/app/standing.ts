/** How the board stands: one question, which the top bar and the health page share. */

import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { held } from '@/api/client'
import type { Gateway, Health } from '@/api/types'
import { keys } from '@/live/keys'
import { useBoard, useClient } from './board'

const READ_MILLISECONDS = 15_000

/** The board's health, read at least every 15 s while it is shown. */
export function useHealth(): UseQueryResult<Health> {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.slow(slug, 'health'),
    queryFn: async () => held(await client.GET('/health')),
    refetchInterval: READ_MILLISECONDS,
  })
}

export interface Standing {
  word: 'Gateway' | 'Standby' | 'Degraded' | 'No gateway'
  /** The status whose colour it has. */
  status: 'done' | 'todo' | 'running' | 'blocked'
}

/** The four words of a gateway; standby is a board that one is about to take over. */
export function standingOf(
  gateway: Gateway | null | undefined,
  standby: readonly Gateway[] = [],
): Standing {
  if (gateway == null) {
    return standby.length > 0
      ? { word: 'Standby', status: 'todo' }
      : { word: 'No gateway', status: 'blocked' }
  }
  if (gateway.degraded.length > 0) return { word: 'Degraded', status: 'running' }
  return { word: 'Gateway', status: 'done' }
}
