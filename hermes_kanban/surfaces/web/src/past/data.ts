/** What the views of the past ask for. */

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { Client } from 'openapi-fetch'
import { held } from '@/api/client'
import type { components, paths } from '@/api/schema'
import { useBoard, useClient } from '@/app/board'
import { keys } from '@/live/keys'

type Schemas = components['schemas']
export type PastTask = Schemas['TaskView']
export type TaskWas = Schemas['TaskWas']
/** `fields` map a column to what it held before and after. */
export type TaskChanged = Omit<Schemas['TaskChanged'], 'fields'> & {
  fields: Record<string, unknown[]>
}
export type PastMoment = Schemas['Moment']

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

/** The board at a moment; null is now, which is read anew as things happen. */
export function usePast(at: number | null) {
  const { slug } = useBoard()
  const client = useClient()
  const key = at === null ? keys.slow(slug, 'past') : keys.still(slug, 'past', { at })
  return useQuery({
    queryKey: key,
    queryFn: () => pastBoard(client, at),
    placeholderData: keepPreviousData,
  })
}

async function pastBoard(client: Client<paths>, at: number | null): Promise<PastBoard> {
  const when = at === null ? {} : { at }
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

/** What changed from an event to now. */
export function useChanges(event: number) {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.slow(slug, 'diff', { event }),
    queryFn: async () => {
      const query = { from_event: event }
      return held(await client.GET('/diff', { params: { query } }))
    },
    placeholderData: keepPreviousData,
  })
}
