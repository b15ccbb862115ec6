/** Everything that waits for a person on the board that is shown, and what leaves at once. */

import { useInfiniteQuery } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useState } from 'react'
import { held } from '@/api/client'
import type { AttentionItem } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { keys } from '@/live/keys'
import { idOf, oldestFirst } from './items'

const PAGE = 200
const NONE: AttentionItem[] = []

/**
 * The items, what waits longest first. `answer` runs an answer to one of them: the item is gone from
 * the list while the server works on it, and back where it refuses.
 */
export function useInbox() {
  const { slug } = useBoard()
  const client = useClient()
  const query = useInfiniteQuery({
    queryKey: keys.attention(slug),
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam }) => {
      const query = { limit: PAGE, ...(pageParam === null ? {} : { after: pageParam }) }
      return held(await client.GET('/attention', { params: { query } }))
    },
    getNextPageParam: (page) => page.after,
  })
  const { hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = query
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])

  const pages = query.data?.pages
  const known = useMemo(() => (pages === undefined ? undefined : oldestFirst(pages)), [pages])
  const { leaving, answer } = useLeaving(refetch)
  const items = useMemo(
    () => known?.filter((item) => !leaving.has(idOf(item))) ?? NONE,
    [known, leaving],
  )
  return { items, answer, isKnown: known !== undefined, error: query.error }
}

function useLeaving(readAgain: () => Promise<unknown>) {
  const [leaving, setLeaving] = useState<ReadonlySet<string>>(new Set())
  const answer = useCallback(
    async (item: AttentionItem, act: () => Promise<boolean>) => {
      const id = idOf(item)
      setLeaving((before) => new Set(before).add(id))
      // What the list says after the answer counts: an undo, or a new question, brings it back.
      if (await act()) await readAgain()
      setLeaving((before) => {
        const next = new Set(before)
        next.delete(id)
        return next
      })
    },
    [readAgain],
  )
  return { leaving, answer }
}
