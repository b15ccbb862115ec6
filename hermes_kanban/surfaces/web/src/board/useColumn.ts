import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import { useCallback, useMemo } from 'react'
import { held } from '@/api/client'
import type { Card } from '@/api/types'
import { useClient } from '@/app/board'
import { keys } from '@/live/keys'
import { useView } from './context'
import { type Cell, cellAsked } from './filter'

const PAGE = 60

export interface Loaded {
  /** undefined until the first page is there. */
  cards: readonly Card[] | undefined
  /** What was asked for, as one word: another list begins anew. */
  asked: string
  error: Error | null
  hasMore: boolean
  more: () => void
}

/** The cards of a cell of the board, page by page; live events keep them true. */
export function useColumn(cell: Cell, enabled = true): Loaded {
  const { slug, filter } = useView()
  const client = useClient()
  const asked = cellAsked(filter, cell)
  const query = useInfiniteQuery({
    queryKey: keys.cards(slug, asked),
    enabled: enabled && asked !== null,
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }) =>
      held(
        await client.GET('/cards', {
          params: {
            query: { ...asked, limit: PAGE, ...(pageParam === null ? {} : { after: pageParam }) },
          },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.after,
    placeholderData: keepPreviousData,
  })
  const { data, fetchNextPage, hasNextPage, isFetchingNextPage } = query
  const isNothing = asked === null
  const cards = useMemo(
    () => (isNothing ? [] : data?.pages.flatMap((page) => page.cards)),
    [data, isNothing],
  )
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  return {
    cards,
    asked: JSON.stringify(query.isPlaceholderData ? 'before' : asked),
    error: query.error,
    hasMore: hasNextPage,
    more,
  }
}
