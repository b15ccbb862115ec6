import { useQuery } from '@tanstack/react-query'
import { held } from '@/api/client'
import { useBoard, useClient } from '@/app/board'
import { keys } from '@/live/keys'

/** The settings in force, without secrets; a change of them is no event. */
export function useSettings() {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.still(slug, 'settings'),
    queryFn: async () => held(await client.GET('/settings')),
    staleTime: 60_000,
  })
}
