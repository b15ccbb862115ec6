/** The largest trees of the board that still have something to do. */

import { useQuery } from '@tanstack/react-query'
import type { Client } from 'openapi-fetch'
import { held } from '@/api/client'
import type { paths } from '@/api/schema'
import type { Card, Tree } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { keys } from '@/live/keys'
import { isOpen } from './critical'

const TREES = 8
const LOOKED_AT = 16
const CARDS = 200
const NODES = 2_000
const FRESH_MILLISECONDS = 30_000

/** Trees with open tasks, those with the most first. */
export function useTrees() {
  const { slug } = useBoard()
  const client = useClient()
  // Whole trees are too much to read again with each event.
  return useQuery({
    queryKey: keys.still(slug, 'trees'),
    queryFn: () => largest(client),
    staleTime: FRESH_MILLISECONDS,
    refetchInterval: FRESH_MILLISECONDS,
  })
}

/**
 * A tree with two open tasks has one that waits, and so a card in todo; one whose plan is done has
 * cards that are under way. From those with the most children on, each tree is read once.
 */
async function largest(client: Client<paths>): Promise<Tree[]> {
  const pages = await Promise.all([
    cards(client, ['todo']),
    cards(client, ['ready', 'running', 'review', 'blocked', 'triage']),
  ])
  const linked = pages.flat().filter((card) => card.children.all + card.parents.all > 0)
  linked.sort((a, b) => b.children.all + b.parents.all - (a.children.all + a.parents.all))
  const seen = new Set<string>()
  const trees: Tree[] = []
  let looks = 0
  for (const card of linked) {
    if (seen.has(card.id)) continue
    if (trees.length === TREES || looks === LOOKED_AT) break
    looks += 1
    const params = { path: { task_id: card.id }, query: { limit: NODES } }
    const tree = held(await client.GET('/tasks/{task_id}/tree', { params }))
    for (const node of tree.nodes) seen.add(node.id)
    trees.push(tree)
  }
  return trees.sort((a, b) => openIn(b) - openIn(a))
}

async function cards(client: Client<paths>, status: Card['status'][]): Promise<Card[]> {
  const query = { status: status as 'todo'[], order: 'oldest' as const, limit: CARDS }
  return held(await client.GET('/cards', { params: { query } })).cards
}

function openIn(tree: Tree): number {
  return tree.nodes.filter(isOpen).length
}

/** The task that a tree is called by: the first that waits for nothing. */
export function topOf(tree: Tree): Tree['nodes'][number] | undefined {
  const children = new Set(tree.links.map((link) => link.child_id))
  const tops = tree.nodes.filter((node) => !children.has(node.id))
  return tops.sort((a, b) => a.created_at - b.created_at)[0] ?? tree.nodes[0]
}
