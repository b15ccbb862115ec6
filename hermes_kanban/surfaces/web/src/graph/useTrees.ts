/** The largest trees of the board that still have something to do. */

import { useQuery } from '@tanstack/react-query'
import { held } from '@/api/client'
import { useBoard, useClient } from '@/app/board'
import { keys } from '@/live/keys'

const TREES = 12

/** Trees with open tasks, those with the most first. */
export function useTrees() {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.slow(slug, 'trees'),
    queryFn: async () => held(await client.GET('/trees', { params: { query: { limit: TREES } } })),
  })
}
