/** The graph around a task, kept true by what comes live. */

import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { held } from '@/api/client'
import type { Card, Event, Node, Tree } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { onEvents } from '@/live/board'
import { keys } from '@/live/keys'

const NODES = 2_000
const CARDS_AT_ONCE = 200

export interface Grown {
  tree: Tree
  /** Since when a task runs, by its id. */
  since: Readonly<Record<string, number>>
}

/** The graph around `root`. Its tasks change in place; it is read anew only when links change. */
export function useTree(root: string) {
  const { slug } = useBoard()
  const client = useClient()
  const queries = useQueryClient()
  useEffect(
    () =>
      onEvents((message) => {
        if (message.board !== slug) return
        const key = keys.tree(slug, root)
        const grown = queries.getQueryData<Grown>(key)
        if (grown === undefined) return
        const known = new Set(grown.tree.nodes.map((node) => node.id))
        if (message.events.some((event) => changesLinks(event, known))) {
          void queries.invalidateQueries({ queryKey: key })
        }
        const cards = (message.cards ?? []).filter((card) => known.has(card.id))
        if (cards.length > 0) queries.setQueryData<Grown>(key, withCards(grown, cards))
      }),
    [slug, root, queries],
  )
  return useQuery({
    queryKey: keys.tree(slug, root),
    queryFn: async (): Promise<Grown> => {
      const params = { path: { task_id: root }, query: { limit: NODES } }
      const tree = held(await client.GET('/tasks/{task_id}/tree', { params }))
      const running = tree.nodes.filter((node) => node.status === 'running')
      const ids = running.slice(0, CARDS_AT_ONCE).map((node) => node.id)
      if (ids.length === 0) return { tree, since: {} }
      const query = { ids, limit: CARDS_AT_ONCE }
      const { cards } = held(await client.GET('/cards', { params: { query } }))
      return withCards({ tree, since: {} }, cards)
    },
  })
}

const LINKING = ['linked', 'unlinked', 'released', 'undone', 'purged', 'restored']

/** A link of the graph came or went, or a task was made or taken away around it. */
function changesLinks(event: Event, known: ReadonlySet<string>): boolean {
  const link = (event.payload as { link?: { parent_id: string; child_id: string } | null }).link
  if (link != null) return known.has(link.parent_id) || known.has(link.child_id)
  return LINKING.includes(event.kind) && (event.task_id === null || known.has(event.task_id))
}

function withCards(grown: Grown, cards: readonly Card[]): Grown {
  const fresh = new Map(cards.map((card) => [card.id, card]))
  const since = { ...grown.since }
  for (const { id, live } of cards) {
    if (live === null) delete since[id]
    else since[id] = live.started_at
  }
  const nodes = grown.tree.nodes.map((node) => {
    const card = fresh.get(node.id)
    return card === undefined ? node : withCard(node, card)
  })
  return { tree: { ...grown.tree, nodes }, since }
}

function withCard(node: Node, card: Card): Node {
  const { title, status, assignee, block_kind, priority, completed_at, open_parents } = card
  return { ...node, title, status, assignee, block_kind, priority, completed_at, open_parents }
}
