/** What is known of profiles, read once for every page that shows it. */

import { useQuery } from '@tanstack/react-query'
import { held } from '@/api/client'
import { useBoard, useClient } from '@/app/board'
import { keys } from '@/live/keys'

export const TREND_DAYS = 7

/** The profiles of the configuration; a change of that is no event, so it is read now and then. */
export function useProfiles() {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.still(slug, 'profiles'),
    queryFn: async () => held(await client.GET('/profiles')),
    staleTime: 60_000,
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

/** What the runs of each profile added up to in the last days. */
export function useTrends() {
  const { slug } = useBoard()
  const client = useClient()
  const offset = -new Date().getTimezoneOffset() * 60
  const query = { days: TREND_DAYS, utc_offset_seconds: offset }
  return useQuery({
    queryKey: keys.slow(slug, 'trends', query),
    queryFn: async () => held(await client.GET('/trends', { params: { query } })),
  })
}
