/** What several parts of the page ask of the board: each question once, under one key. */

import { keepPreviousData, type UseQueryResult, useQuery } from '@tanstack/react-query'
import { held } from '@/api/client'
import type { Health } from '@/api/types'
import { zoneOffset } from '@/kit/time'
import { serverNow } from '@/live/clock'
import { keys } from '@/live/keys'
import { useBoard, useClient } from './board'

const HEALTH_MILLISECONDS = 15_000
const CONFIGURATION_MILLISECONDS = 60_000

/** The board's health, read at least every 15 s while it is shown. */
export function useHealth(): UseQueryResult<Health> {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.slow(slug, 'health'),
    queryFn: async () => held(await client.GET('/health')),
    refetchInterval: HEALTH_MILLISECONDS,
  })
}

/** How many tasks there are by status, exactly. */
export function useCounts() {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.counts(slug),
    queryFn: async () => held(await client.GET('/counts')),
  })
}

/** How many tasks each assignee or tenant has by status, the busiest first. */
export function useLaneCounts(kind: 'assignee' | 'tenant') {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.slow(slug, 'lanes', kind),
    queryFn: async () =>
      held(await client.GET('/counts', { params: { query: { lanes: kind } } })).lanes,
  })
}

/** The profiles of the configuration; a change of that is no event, so it is read now and then. */
export function useProfiles(enabled = true) {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.still(slug, 'profiles'),
    queryFn: async () => held(await client.GET('/profiles')),
    staleTime: CONFIGURATION_MILLISECONDS,
    enabled,
  })
}

/** Open tasks by status of each assignee. */
export function useAssignees() {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.slow(slug, 'assignees'),
    queryFn: async () => held(await client.GET('/assignees')),
  })
}

/** Throughput, times, reasons and costs of the last days, by the days of the reader's own zone. */
export function useTrends(days: number) {
  const { slug } = useBoard()
  const client = useClient()
  const query = { days, utc_offset_seconds: zoneOffset(serverNow()) }
  return useQuery({
    queryKey: keys.slow(slug, 'trends', query),
    queryFn: async () => held(await client.GET('/trends', { params: { query } })),
    placeholderData: keepPreviousData,
  })
}

/** Where a task may go, and which verbs are legal for it now; nothing is asked of no task. */
export function useMoves(id: string | null) {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.task(slug, id ?? '', 'moves'),
    queryFn: async () => {
      const path = { task_id: id ?? '' }
      return held(await client.GET('/tasks/{task_id}/moves', { params: { path } }))
    },
    enabled: id !== null,
  })
}
