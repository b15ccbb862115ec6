/** The graph as an indented list: each task once, below the last of what it waits for. */

import type { Joint } from './layout.ts'

export interface Line {
  id: string
  /** 1 at the left. */
  level: number
  /** What else it waits for, which stands elsewhere in the list. */
  also: readonly string[]
  /** How many have the same parent, and which of them this is, from 1. */
  of: number
  place: number
}

/** The lines in their order; `ids` say which comes first where the links do not. */
export function indent(ids: readonly string[], links: readonly Joint[]): Line[] {
  const known = new Set(ids)
  const parents = new Map<string, string[]>(ids.map((id) => [id, []]))
  const children = new Map<string, string[]>(ids.map((id) => [id, []]))
  for (const { parent_id, child_id } of links) {
    if (!known.has(parent_id) || !known.has(child_id)) continue
    parents.get(child_id)?.push(parent_id)
    children.get(parent_id)?.push(child_id)
  }
  const depth = depths(ids, parents, children)
  const under = new Map<string | null, string[]>()
  const home = new Map<string, string | null>()
  for (const id of ids) {
    const deepest = (parents.get(id) ?? []).reduce<string | null>(
      (best, one) => (best === null || (depth.get(one) ?? 0) > (depth.get(best) ?? 0) ? one : best),
      null,
    )
    home.set(id, deepest)
    under.set(deepest, [...(under.get(deepest) ?? []), id])
  }
  const lines: Line[] = []
  const todo: Line[] = []
  const add = (parent: string | null, level: number) => {
    const siblings = under.get(parent) ?? []
    for (const [at, id] of [...siblings.entries()].toReversed()) {
      const also = (parents.get(id) ?? []).filter((one) => one !== home.get(id))
      todo.push({ id, level, also, of: siblings.length, place: at + 1 })
    }
  }
  add(null, 1)
  for (let line = todo.pop(); line !== undefined; line = todo.pop()) {
    lines.push(line)
    add(line.id, line.level + 1)
  }
  return lines
}

function depths(
  ids: readonly string[],
  parents: ReadonlyMap<string, string[]>,
  children: ReadonlyMap<string, string[]>,
): Map<string, number> {
  const found = new Map<string, number>()
  const waits = new Map(ids.map((id) => [id, parents.get(id)?.length ?? 0]))
  const free = ids.filter((id) => waits.get(id) === 0)
  for (const id of free) {
    found.set(id, Math.max(0, ...(parents.get(id) ?? []).map((one) => (found.get(one) ?? 0) + 1)))
    for (const child of children.get(id) ?? []) {
      const left = (waits.get(child) ?? 0) - 1
      waits.set(child, left)
      if (left === 0) free.push(child)
    }
  }
  return found
}
