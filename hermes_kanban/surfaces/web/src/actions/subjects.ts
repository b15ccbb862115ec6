import type { QueryClient } from '@tanstack/react-query'
import { boardClient, held } from '@/api/client'
import { STATUSES } from '@/api/types'
import { cardOf } from './optimism'
import type { Subjects } from './subject'

const AT_ONCE = 100

/** The tasks of those ids, in their order: as the page has them, else read. Throws a Problem. */
export async function subjectsOf(
  client: QueryClient,
  board: string,
  ids: readonly string[],
): Promise<Subjects> {
  const found = new Map(ids.map((id) => [id, cardOf(client, board, id)]))
  const unknown = ids.filter((id) => found.get(id) === null)
  for (let at = 0; at < unknown.length; at += AT_ONCE) {
    const part = unknown.slice(at, at + AT_ONCE)
    const query = { ids: part, status: [...STATUSES], limit: AT_ONCE }
    const page = held(await boardClient(board).GET('/cards', { params: { query } }))
    for (const card of page.cards) found.set(card.id, card)
  }
  return ids.flatMap((id) => found.get(id) ?? [])
}
