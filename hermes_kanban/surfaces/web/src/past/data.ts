/** What the views of the past ask for. */

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { Client } from 'openapi-fetch'
import { useEffect, useRef, useState } from 'react'
import { held } from '@/api/client'
import type { components, paths } from '@/api/schema'
import { useBoard, useClient } from '@/app/board'
import { useCounts } from '@/app/reads'
import { keys } from '@/live/keys'

type Schemas = components['schemas']
export type PastTask = Schemas['TaskView']
export type TaskWas = Schemas['TaskWas']
/** `fields` map a column to what it held before and after. */
export type TaskChanged = Omit<Schemas['TaskChanged'], 'fields'> & {
  fields: Record<string, unknown[]>
}
type PastMoment = Schemas['Moment']

export interface PastBoard {
  moment: PastMoment
  /** When the board began; null where nothing has happened yet. */
  firstAt: number | null
  open: PastTask[]
  done: PastTask[]
  /** Whether more were open, or done, than are here. */
  moreOpen: boolean
  moreDone: boolean
}

const TASKS = 1_000
const EVENTS = 1_000
const EVENT_PAGES = 3
const OPEN = ['triage', 'todo', 'ready', 'running', 'review', 'blocked'] as const

// Adding the whole history up may take a while: now is read anew the more seldom the longer it took.
const LEAST_MILLISECONDS = 1_000
const TIMES_AS_LONG = 10
let took = 0

/** The board's newest event, as often as the past is worth being read again. */
export function useNewest(): number | undefined {
  return useNowAndThen(useCounts().data?.cursor)
}

/** A value that changes at most so often. */
function useNowAndThen(value: number | undefined): number | undefined {
  const [shown, show] = useState(value)
  const since = useRef(0)
  useEffect(() => {
    if (value === undefined || value === shown) return
    const wait = Math.max(LEAST_MILLISECONDS, took * TIMES_AS_LONG)
    const timer = setTimeout(
      () => {
        since.current = Date.now()
        show(value)
      },
      shown === undefined ? 0 : Math.max(0, since.current + wait - Date.now()),
    )
    return () => clearTimeout(timer)
  }, [value, shown])
  return shown
}

/** The board at a time, or after an event. */
export function usePast(when: { at: number } | { event: number } | undefined) {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.still(slug, 'past', when),
    enabled: when !== undefined,
    queryFn: async () => {
      const begun = performance.now()
      const found = await pastBoard(client, when ?? {})
      took = performance.now() - begun
      return found
    },
    placeholderData: keepPreviousData,
  })
}

async function pastBoard(
  client: Client<paths>,
  when: { at?: number; event?: number },
): Promise<PastBoard> {
  const first = await client.GET('/past', {
    params: { query: { ...when, status: [...OPEN], limit: TASKS } },
  })
  const open = held(first)
  // The rest is of the very same moment, whatever happens meanwhile.
  const query = { event: open.moment.event_id, status: ['done' as const], limit: TASKS }
  const done = held(await client.GET('/past', { params: { query } }))
  return {
    moment: open.moment,
    firstAt: open.first_at,
    open: open.tasks,
    done: done.tasks.toSorted((a, b) => (b.completed_at ?? 0) - (a.completed_at ?? 0)),
    moreOpen: open.after !== null,
    moreDone: done.after !== null,
  }
}

/** When the newest few thousand events were, up to `newest`. */
export function useMoments(newest: number | undefined) {
  const { slug } = useBoard()
  const client = useClient()
  // Some events more make no other picture: it is read anew every hundred.
  const until = newest === undefined ? 0 : newest - (newest % 100)
  return useQuery({
    queryKey: keys.still(slug, 'moments', { until }),
    enabled: newest !== undefined,
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const times: number[] = []
      let after: number | null = Math.max(0, until - EVENTS * (EVENT_PAGES - 1))
      for (let page = 0; page < EVENT_PAGES && after !== null; page += 1) {
        const query: { after: number; limit: number } = { after, limit: EVENTS }
        const found = held(await client.GET('/events', { params: { query } }))
        for (const event of found.events) times.push(event.created_at)
        after = found.after
      }
      return times
    },
  })
}

/** The time of the first event after one; null where none is. */
export async function eventAfter(client: Client<paths>, id: number): Promise<number | null> {
  const query = { after: id, limit: 1 }
  const found = held(await client.GET('/events', { params: { query } }))
  return found.events[0]?.created_at ?? null
}

/** A task at a moment. */
export function useTaskPast(id: string, event: number) {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.still(slug, 'task-past', { id, event }),
    queryFn: async () => {
      const params = { path: { task_id: id }, query: { event } }
      return held(await client.GET('/tasks/{task_id}/past', { params }))
    },
    placeholderData: keepPreviousData,
  })
}

/** What changed after one event, up to another. */
export function useChanges(from: number, to: number) {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.still(slug, 'diff', { from, to }),
    queryFn: async () => {
      const query = { from_event: from, to_event: Math.max(from, to) }
      return held(await client.GET('/diff', { params: { query } }))
    },
    placeholderData: keepPreviousData,
  })
}
