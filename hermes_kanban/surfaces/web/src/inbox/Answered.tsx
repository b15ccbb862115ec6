import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo } from 'react'
import { Link } from 'wouter'
import { held } from '@/api/client'
import { sentenceOf } from '@/api/problem'
import { STATUSES } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { taskPlace, useOpenTask } from '@/app/places'
import { Age } from '@/kit/Age'
import { Avatar, plainName } from '@/kit/Avatar'
import { Button } from '@/kit/Button'
import { Markdown } from '@/kit/Markdown'
import { isForBrowser } from '@/kit/pressed'
import { keys } from '@/live/keys'
import { type AnsweredItem, answersAmong } from './answered'

// Events are read backwards, so many ids at a time.
const SPAN = 1_000
const TITLES = 200

/** What people answered lately: what was asked, what was said, by whom, and when. */
export function Answered({ switcher }: { switcher: ReactNode }) {
  const { slug } = useBoard()
  const client = useClient()
  const query = useInfiniteQuery({
    queryKey: keys.slow(slug, 'answered'),
    initialPageParam: null as number | null,
    queryFn: async ({ pageParam }) => {
      const end = pageParam ?? held(await client.GET('/counts')).cursor
      const start = Math.max(0, end - SPAN)
      const asked = { after: start, limit: Math.max(1, end - start) }
      const { events } = held(await client.GET('/events', { params: { query: asked } }))
      return { events: events.filter((one) => one.id <= end), start }
    },
    getNextPageParam: (page) => (page.start > 0 ? page.start : null),
  })
  const pages = query.data?.pages
  const items = useMemo(
    () => answersAmong((pages ?? []).toReversed().flatMap((page) => page.events)),
    [pages],
  )
  const titles = useTitles(items)
  return (
    <>
      <div className="page-head">
        <h1>Answered</h1>
        <span className="grow" />
        {switcher}
      </div>
      {query.error !== null && <p role="alert">{sentenceOf(query.error)}</p>}
      {query.data !== undefined && items.length === 0 && (
        <p className="dim">
          {query.hasNextPage
            ? 'Nobody answered anything lately.'
            : 'Nobody has answered anything on this board yet.'}
        </p>
      )}
      {items.length > 0 && (
        <ul className="inbox" aria-label="Answered">
          {items.map((item) => (
            <Item key={item.id} item={item} title={titles.get(item.taskId) ?? ''} />
          ))}
        </ul>
      )}
      {query.hasNextPage && (
        <p className="inbox-more">
          <Button disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            Look further back
          </Button>
        </p>
      )}
    </>
  )
}

/** The titles of the tasks, for the newest 200 of them. */
function useTitles(items: readonly AnsweredItem[]): ReadonlyMap<string, string> {
  const { slug } = useBoard()
  const client = useClient()
  const ids = [...new Set(items.map((one) => one.taskId))].slice(0, TITLES)
  const cards = useQuery({
    queryKey: keys.slow(slug, 'titles', ids),
    queryFn: async () => {
      const query = { ids, status: [...STATUSES], limit: TITLES }
      return held(await client.GET('/cards', { params: { query } })).cards
    },
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
  })
  return new Map(cards.data?.map((one) => [one.id, one.title]))
}

function Item({ item, title }: { item: AnsweredItem; title: string }) {
  const { slug } = useBoard()
  const openTask = useOpenTask()
  return (
    <li className="inbox-item">
      <Avatar name={item.by} />
      <div className="inbox-head">
        <b>{plainName(item.by)}</b>
        <span>{item.did}</span>
        <Link
          className="cut"
          href={`~${taskPlace(slug, item.taskId)}`}
          onClick={(event) => {
            if (isForBrowser(event)) return
            event.preventDefault()
            openTask(item.taskId)
          }}
        >
          {item.taskId} {title}
        </Link>
        <Age at={item.at} />
      </div>
      {item.asked !== null && (
        <div className="inbox-asked">
          <Markdown text={item.asked} board={slug} />
        </div>
      )}
      {item.said !== null && (
        <div className="inbox-text">
          <Markdown text={item.said} board={slug} />
        </div>
      )}
    </li>
  )
}
