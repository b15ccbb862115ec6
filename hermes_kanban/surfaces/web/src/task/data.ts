/** What a task's page reads, each under a key that live events find. */

import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Client } from 'openapi-fetch'
import { useMemo } from 'react'
import { held } from '@/api/client'
import type { paths } from '@/api/schema'
import {
  type AttentionItem,
  type Card,
  type CardPage,
  type Event,
  type Hold,
  STATUSES,
  type TaskDetail,
} from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { keys } from '@/live/keys'

const PAGE = 500
const CARDS_PAGE = 200
/** `show` has the first hundred of each list; what is beyond has verbs of its own. */
const SHOWN_AT_ONCE = 100
const EVENTS_AT_ONCE = 2_000

/** Everything about a task: its fields, links, all its runs and comments, attachments and holds. */
export function useDetail(id: string) {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.task(slug, id),
    queryFn: () => readDetail(client, id),
  })
}

async function readDetail(client: Client<paths>, id: string): Promise<TaskDetail> {
  const path = { task_id: id }
  const found = held(await client.GET('/tasks/{task_id}', { params: { path } }))
  const [runs, comments, attachments] = await Promise.all([
    rest(found.runs, async (after) => {
      const query = { after, limit: PAGE }
      const page = held(await client.GET('/tasks/{task_id}/runs', { params: { path, query } }))
      return { rows: page.runs, after: page.after }
    }),
    rest(found.comments, async (after) => {
      const query = { after, limit: PAGE }
      const page = held(await client.GET('/tasks/{task_id}/comments', { params: { path, query } }))
      return { rows: page.comments, after: page.after }
    }),
    rest(found.attachments, async (after) => {
      const query = { after, limit: PAGE }
      const page = held(
        await client.GET('/tasks/{task_id}/attachments', { params: { path, query } }),
      )
      return { rows: page.attachments, after: page.after }
    }),
  ])
  return { ...found, runs, comments, attachments }
}

async function rest<T extends { id: number }>(
  first: T[],
  next: (after: number) => Promise<{ rows: T[]; after: number | null }>,
): Promise<T[]> {
  const all = [...first]
  let after = first.length < SHOWN_AT_ONCE ? null : (first.at(-1)?.id ?? null)
  while (after !== null) {
    const page = await next(after)
    all.push(...page.rows)
    after = page.after
  }
  return all
}

/** Cards of these tasks, whatever their status, as they are now. */
export function useCards(ids: readonly string[]): Map<string, Card> {
  const { slug } = useBoard()
  const client = useClient()
  const asked = useMemo(() => ({ ids: [...ids].sort(), status: [...STATUSES] }), [ids])
  const found = useInfiniteQuery({
    queryKey: keys.cards(slug, asked),
    queryFn: async ({ pageParam }): Promise<CardPage> => {
      const query = {
        ...asked,
        limit: CARDS_PAGE,
        ...(pageParam === null ? {} : { after: pageParam }),
      }
      return held(await client.GET('/cards', { params: { query } }))
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.after,
    enabled: ids.length > 0,
    placeholderData: (before) => before,
  })
  const { data } = found
  return useMemo(
    () => new Map(data?.pages.flatMap((page) => page.cards).map((card) => [card.id, card])),
    [data],
  )
}

/** Why it does not start; other tasks change that too, without an event of this one. */
export function useHolds(id: string, first: Hold[]): Hold[] {
  const { slug } = useBoard()
  const client = useClient()
  const found = useQuery({
    queryKey: keys.slow(slug, 'why', id),
    queryFn: async () =>
      held(await client.GET('/tasks/{task_id}/why', { params: { path: { task_id: id } } })),
    refetchInterval: 15_000,
  })
  return found.data?.holds ?? first
}

const ASKED_AT_ONCE = 200

/** What of this task waits for a person: its question, and its late results. */
export function useAsked(id: string): { question: AttentionItem | null; late: AttentionItem[] } {
  const { slug } = useBoard()
  const client = useClient()
  const found = useQuery({
    queryKey: [...keys.attention(slug), 'of tasks'],
    queryFn: async () =>
      held(await client.GET('/attention', { params: { query: { limit: ASKED_AT_ONCE } } })),
  })
  return {
    question: found.data?.items.find((item) => item.card.id === id) ?? null,
    late: found.data?.late.filter((item) => item.card.id === id) ?? [],
  }
}

/** Where it works, and what it has changed there. */
export function useWorkspace(id: string, isAtWork: boolean) {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.task(slug, id, 'workspace'),
    queryFn: async () =>
      held(await client.GET('/tasks/{task_id}/workspace', { params: { path: { task_id: id } } })),
    // Files change without an event.
    refetchInterval: isAtWork ? 15_000 : false,
  })
}

export interface Past {
  events: Event[]
  /** There are newer ones that were not read yet. */
  more: boolean
}

/** The task's events, oldest first. They never change, so only new ones are read again. */
export function useEvents(id: string) {
  const { slug } = useBoard()
  const client = useClient()
  const cache = useQueryClient()
  const queryKey = keys.task(slug, id, 'events')
  return useQuery({
    queryKey,
    queryFn: async (): Promise<Past> => {
      const events = [...(cache.getQueryData<Past>(queryKey)?.events ?? [])]
      const enough = events.length + EVENTS_AT_ONCE
      while (events.length < enough) {
        const query = { task_id: id, after: events.at(-1)?.id ?? 0, limit: PAGE }
        const page = held(await client.GET('/events', { params: { query } }))
        events.push(...page.events)
        if (page.events.length < PAGE) return { events, more: false }
      }
      return { events, more: true }
    },
  })
}
