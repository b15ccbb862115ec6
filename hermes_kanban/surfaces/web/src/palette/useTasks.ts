/** The tasks that the palette finds: by the server, which knows them all. */

import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { held } from '@/api/client'
import type { Card } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { keys } from '@/live/keys'
import { recentTasks } from './recent'

const FOUND = 8
const TYPING_MILLISECONDS = 80

/** Tasks by id, title or body; without a text those that were opened last. */
export function useFoundTasks(typed: string): { cards: Card[]; isBehind: boolean } {
  const { slug } = useBoard()
  const text = useSettled(typed.trim())
  const recent = recentTasks(slug)
  const client = useClient()
  const asked =
    text === ''
      ? { ids: recent.slice(0, FOUND) }
      : { text, order: 'newest' as const, limit: FOUND * 3 }
  const found = useQuery({
    queryKey: keys.slow(slug, 'palette', asked),
    queryFn: async ({ signal }) =>
      held(await client.GET('/cards', { params: { query: asked }, signal })),
    enabled: text !== '' || recent.length > 0,
    placeholderData: text === '' ? undefined : keepPreviousData,
  })
  const cards = found.data?.cards ?? []
  const sorted = text === '' ? byRecency(cards, recent) : byTitle(cards, text)
  return { cards: sorted.slice(0, FOUND), isBehind: text !== typed.trim() || found.isFetching }
}

/** Tasks as they are, by id. */
export function useTasks(ids: readonly string[]): Card[] {
  const { slug } = useBoard()
  const client = useClient()
  const wanted = ids.slice(0, 200)
  const found = useQuery({
    queryKey: keys.slow(slug, 'palette', { ids: wanted }),
    queryFn: async () => held(await client.GET('/cards', { params: { query: { ids: wanted } } })),
    enabled: wanted.length > 0,
  })
  return wanted.length === 0 ? [] : (found.data?.cards ?? [])
}

/** An id, then titles that begin with the text, that have it, then bodies. */
function byTitle(cards: readonly Card[], text: string): Card[] {
  const wanted = text.toLowerCase()
  const rank = (card: Card) => {
    if (card.id === wanted) return 0
    const place = card.title.toLowerCase().indexOf(wanted)
    return place === 0 ? 1 : place > 0 ? 2 : 3
  }
  return cards.toSorted((a, b) => rank(a) - rank(b))
}

function byRecency(cards: readonly Card[], recent: readonly string[]): Card[] {
  return cards.toSorted((a, b) => recent.indexOf(a.id) - recent.indexOf(b.id))
}

/** The text when typing has paused. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), TYPING_MILLISECONDS)
    return () => clearTimeout(timer)
  }, [text])
  return text === '' ? '' : settled
}
