/** How much is left to do: the longest chain of open tasks, by the time that such tasks take. */

import type { Node } from '@/api/types'
import type { Joint } from './layout.ts'

/** How long tasks take, in seconds; null where nothing is known yet. */
export interface Usual {
  all: number | null
  of: ReadonlyMap<string, number>
}

const UNKNOWN_SECONDS = 900
const LEAST_SECONDS = 60
const RUNS_THAT_TELL = 3

interface Told {
  work: { p50: number } | null
  profiles: readonly { profile: string | null; runs: number; seconds: number }[]
}

/** What the last weeks say of it: by profile where it has run often enough, else by all tasks. */
export function usualOf(trends: Told | undefined): Usual {
  const of = new Map<string, number>()
  for (const { profile, runs, seconds } of trends?.profiles ?? []) {
    if (profile !== null && runs >= RUNS_THAT_TELL) of.set(profile, seconds / runs)
  }
  return { all: trends?.work?.p50 ?? null, of }
}

/** Whether something is still to be done there. */
export function isOpen(node: { status: string }): boolean {
  return node.status !== 'done' && node.status !== 'archived'
}

/** Seconds that are left of one task. `since` is when its run began, if one is under way. */
export function left(node: Node, usual: Usual, now: number, since?: number): number {
  if (!isOpen(node)) return 0
  // The work is done: only somebody's word is missing.
  if (node.status === 'review') return LEAST_SECONDS
  const whole = usual.of.get(node.assignee ?? '') ?? usual.all ?? UNKNOWN_SECONDS
  const spent = node.status === 'running' && since !== undefined ? now - since : 0
  return Math.max(LEAST_SECONDS, whole - spent)
}

/** The longest chain of open tasks that wait for each other; `weigh` is what is left of one. */
export function criticalPath(
  nodes: readonly Node[],
  links: readonly (Joint & { released_at?: number | null })[],
  weigh: (node: Node) => number,
): { ids: string[]; seconds: number } {
  const open = new Map(nodes.filter(isOpen).map((node) => [node.id, node]))
  const children = new Map<string, string[]>()
  for (const { parent_id, child_id, released_at } of links) {
    if (released_at != null || !open.has(parent_id) || !open.has(child_id)) continue
    children.set(parent_id, [...(children.get(parent_id) ?? []), child_id])
  }
  const best = new Map<string, { seconds: number; next: string | null }>()
  for (const id of childrenFirst([...open.keys()], children)) {
    let next: string | null = null
    for (const child of children.get(id) ?? []) {
      if (next === null || (best.get(child)?.seconds ?? 0) > (best.get(next)?.seconds ?? 0)) {
        next = child
      }
    }
    const node = open.get(id)
    const own = node === undefined ? 0 : weigh(node)
    best.set(id, { seconds: own + (next === null ? 0 : (best.get(next)?.seconds ?? 0)), next })
  }
  let at: string | null = null
  for (const [id, { seconds }] of best) {
    if (at === null || seconds > (best.get(at)?.seconds ?? 0)) at = id
  }
  const seconds = at === null ? 0 : (best.get(at)?.seconds ?? 0)
  const ids: string[] = []
  for (; at !== null; at = best.get(at)?.next ?? null) ids.push(at)
  return { ids, seconds }
}

/** Every id after all that come after it; without recursion, since a chain may be long. */
function childrenFirst(ids: string[], children: ReadonlyMap<string, string[]>): string[] {
  const found: string[] = []
  const state = new Map<string, 'begun' | 'done'>()
  for (const start of ids) {
    const todo = [start]
    while (todo.length > 0) {
      const id = todo[todo.length - 1] ?? start
      if (state.get(id) === undefined) {
        state.set(id, 'begun')
        todo.push(...(children.get(id) ?? []).filter((one) => state.get(one) === undefined))
        continue
      }
      todo.pop()
      if (state.get(id) === 'done') continue
      state.set(id, 'done')
      found.push(id)
    }
  }
  return found
}
