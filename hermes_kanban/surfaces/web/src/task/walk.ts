/** Where a task stands in its column, as far as a list on the page knows. */

import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { useBoard } from '@/app/board'
import { useCounts } from '@/app/reads'
import type { Pages } from '@/live/cardlists'
import { askedOf, keys } from '@/live/keys'

export interface Place {
  /** 1 is the first. */
  at: number
  of: number
  previous: string | null
  next: string | null
}

/** Its place among the cards of a column that is shown; null where none has it. */
export function usePlace(id: string, status: string): Place | null {
  const { slug } = useBoard()
  const client = useQueryClient()
  const counts = useCounts()
  const packed = useSyncExternalStore(
    (listener) => client.getQueryCache().subscribe(listener),
    () => JSON.stringify(placeIn(client, slug, id, status)),
  )
  const place = JSON.parse(packed) as (Place & { more: boolean }) | null
  if (place === null) return null
  const all = counts.data?.all[status]
  return place.more && all !== undefined ? { ...place, of: Math.max(all, place.of) } : place
}

function placeIn(client: QueryClient, board: string, id: string, status: string) {
  const lists = client.getQueryCache().findAll({ queryKey: keys.lists(board), type: 'active' })
  for (const query of lists) {
    const asked = askedOf(query.queryKey)
    // A column of the board is asked for by its one status.
    if (asked.status?.length !== 1 || asked.status[0] !== status) continue
    const pages = query.state.data as Pages | undefined
    const cards = pages?.pages.flatMap((page) => page.cards) ?? []
    const at = cards.findIndex((card) => card.id === id)
    if (at < 0) continue
    return {
      at: at + 1,
      of: cards.length,
      previous: cards[at - 1]?.id ?? null,
      next: cards[at + 1]?.id ?? null,
      more: pages?.pages.at(-1)?.after != null,
    }
  }
  return null
}
