import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { boardClient, held } from '@/api/client'
import { onEvents, putCard } from '@/live/board'
import { askedOf, type Filter } from './filter'

const STEP_MILLISECONDS = 3_000
// After a time without a connection its words are old.
const SOON_MILLISECONDS = 250

/** Reads what runs say every few seconds while somebody looks; output makes no events. */
export function useRunning(slug: string, filter: Filter, active: boolean): void {
  const queries = useQueryClient()
  useEffect(() => {
    if (!active) return
    let newest = 0
    let isOver = false
    const end = onEvents((message) => {
      newest = Math.max(newest, message.cursor)
    })
    const look = async () => {
      if (document.visibilityState === 'hidden') return
      const query = { ...askedOf(filter), status: ['running' as const] }
      const answer = await boardClient(slug)
        .GET('/cards', { params: { query } })
        .catch(() => null)
      // An answer that knows less than the events that came meanwhile would take cards back.
      if (isOver || answer === null || held(answer).cursor < newest) return
      for (const card of held(answer).cards) putCard(queries, slug, card)
    }
    const soon = setTimeout(look, SOON_MILLISECONDS)
    const timer = setInterval(look, STEP_MILLISECONDS)
    return () => {
      isOver = true
      clearTimeout(soon)
      clearInterval(timer)
      end()
    }
  }, [queries, slug, filter, active])
}
