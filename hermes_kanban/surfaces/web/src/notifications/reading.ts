/** What the views of notifications read. A delivery is no event, so it is looked at again by time. */

import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { held } from '@/api/client'
import { useBoard, useClient } from '@/app/board'
import { keys } from '@/live/keys'

const PAGE = 50
const SOON_MILLISECONDS = 2_000
const LEISURE_MILLISECONDS = 15_000

/** As they are listed: those that were dropped are dead, and are no longer among the dead. */
export type DeliveryState = 'waiting' | 'delivered' | 'dead' | 'dropped'

/** Live subscriptions, each with how it fares; `ended` with those that have ended. */
export function useSubscriptions(ended: boolean) {
  const { slug } = useBoard()
  const client = useClient()
  return useInfiniteQuery({
    queryKey: keys.slow(slug, 'subscriptions', { ended }),
    initialPageParam: 0,
    queryFn: async ({ pageParam }) => {
      const query = { after: pageParam, limit: PAGE, owed: true, ended }
      return held(await client.GET('/subscriptions', { params: { query } }))
    },
    getNextPageParam: (page) => page.after,
    placeholderData: keepPreviousData,
    refetchInterval: (query) => {
      const all = query.state.data?.pages.flatMap((page) => page.owed ?? []) ?? []
      return all.some((one) => one.waiting > 0) ? SOON_MILLISECONDS : LEISURE_MILLISECONDS
    },
    select: ({ pages }) =>
      pages.flatMap((page) =>
        page.subscriptions.map((subscription, at) => ({ subscription, owed: page.owed?.[at] })),
      ),
  })
}

/** The live subscriptions of one task, those that a tree handed down to it too. */
export function useSubscriptionsOf(task: string) {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.task(slug, task, 'subscriptions'),
    queryFn: async () => {
      const query = { task_id: task, limit: PAGE, owed: true }
      const page = held(await client.GET('/subscriptions', { params: { query } }))
      return page.subscriptions.map((one, at) => ({
        ...one,
        waiting: page.owed?.[at]?.waiting ?? 0,
      }))
    },
    enabled: task !== '',
  })
}

/** Where messages can be sent; what the configuration says now. */
export function useDestinations() {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.still(slug, 'destinations'),
    queryFn: async () => held(await client.GET('/destinations')).destinations,
    staleTime: 5_000,
  })
}

/** Deliveries: what waits as it will go, what is over with the newest first. */
export function useOutbox(state: DeliveryState, subscription: number | null) {
  const { slug } = useBoard()
  const client = useClient()
  const order = state === 'waiting' ? 'oldest' : 'newest'
  return useInfiniteQuery({
    queryKey: keys.slow(slug, 'outbox', { state, subscription }),
    initialPageParam: 0,
    queryFn: async ({ pageParam }) => {
      const query = {
        state,
        order,
        after: pageParam,
        limit: PAGE,
        ...(subscription === null ? {} : { subscription }),
      } as const
      return held(await client.GET('/outbox', { params: { query } }))
    },
    getNextPageParam: (page) => page.after,
    refetchInterval: SOON_MILLISECONDS,
    select: ({ pages }) => pages.flatMap((page) => page.deliveries),
  })
}
