/** A large graph made small: what is done folds into one node for each branch of it. */

import type { Node } from '@/api/types'
import { isOpen } from './critical.ts'
import type { Joint } from './layout.ts'

const FOLDED_OVER = 300

export interface Folded {
  /** The tasks that are drawn, and the names of folds. */
  ids: readonly string[]
  links: readonly Joint[]
  /** The tasks in each fold, by its name, which is that of its first task after `fold:`. */
  folds: ReadonlyMap<string, readonly string[]>
}

/** The graph with its done branches folded, but for those in `opened`. */
export function fold(
  nodes: readonly Node[],
  links: readonly Joint[],
  opened: ReadonlySet<string> = new Set(),
  over = FOLDED_OVER,
): Folded {
  if (nodes.length <= over) return { ids: nodes.map((node) => node.id), links, folds: new Map() }
  const folds = new Map<string, string[]>()
  const into = new Map<string, string>()
  for (const branch of doneBranches(nodes, links)) {
    const name = `fold:${branch[0]}`
    if (branch.length < 2 || opened.has(name)) continue
    folds.set(name, branch)
    for (const id of branch) into.set(id, name)
  }
  const kept = nodes.filter((node) => !into.has(node.id)).map((node) => node.id)
  const drawn = new Map<string, Joint>()
  for (const { parent_id, child_id } of links) {
    // What is done waits for nothing any more, so nothing leads into a fold, and no cycle arises.
    if (into.has(child_id)) continue
    const parent = into.get(parent_id) ?? parent_id
    drawn.set(`${parent} ${child_id}`, { parent_id: parent, child_id })
  }
  return { ids: [...folds.keys(), ...kept], links: [...drawn.values()], folds }
}

/** The tasks that are done, in the groups that their links make. */
function doneBranches(nodes: readonly Node[], links: readonly Joint[]): string[][] {
  const beside = new Map<string, string[]>()
  for (const node of nodes) if (!isOpen(node)) beside.set(node.id, [])
  for (const { parent_id, child_id } of links) {
    if (!beside.has(parent_id) || !beside.has(child_id)) continue
    beside.get(parent_id)?.push(child_id)
    beside.get(child_id)?.push(parent_id)
  }
  const seen = new Set<string>()
  const branches: string[][] = []
  for (const start of beside.keys()) {
    if (seen.has(start)) continue
    seen.add(start)
    const branch = [start]
    for (const id of branch) {
      for (const next of beside.get(id) ?? []) {
        if (seen.has(next)) continue
        seen.add(next)
        branch.push(next)
      }
    }
    branches.push(branch)
  }
  return branches
}
