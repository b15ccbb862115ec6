/** How the board stands: one question, which the top bar and the health page share. */

import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { CircleCheck, CircleDashed, CircleX, TriangleAlert } from 'lucide-react'
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
  Icon: typeof CircleCheck
}

/** The four words of a gateway, each with a shape of its own. */
export function standingOf(gateway: Gateway | null | undefined): Standing {
  if (gateway == null) return { word: 'No gateway', status: 'blocked', Icon: CircleX }
  if (gateway.degraded.length > 0) {
    return { word: 'Degraded', status: 'running', Icon: TriangleAlert }
  }
  if (gateway.state !== 'dispatching') {
    return { word: 'Standby', status: 'todo', Icon: CircleDashed }
  }
  return { word: 'Gateway', status: 'done', Icon: CircleCheck }
}
