/** Which lanes there are, in an order that does not change as tasks come and go. */

import { type Filter, isNarrow, type LaneKind } from './filter.ts'

export interface LaneCount {
  /** null is nobody's. */
  name: string | null
  counts: Readonly<Record<string, number>>
  /** How many of it may run at once, where that is limited. */
  cap: number | null
}

interface Profile {
  name: string
  max_in_progress: number | null
}

/** By name, what is nobody's last. Without a filter profiles that have no task have a lane too. */
export function lanesOf(
  kind: LaneKind,
  counted: readonly Pick<LaneCount, 'name' | 'counts'>[],
  profiles: readonly Profile[],
  filter: Filter,
): LaneCount[] {
  const caps = new Map(profiles.map((one) => [one.name, one.max_in_progress]))
  const found: LaneCount[] = counted.map(({ name, counts }) => ({
    name,
    counts,
    cap: kind === 'assignee' && name !== null ? (caps.get(name) ?? null) : null,
  }))
  if (kind === 'assignee' && !isNarrow(filter)) {
    const known = new Set(counted.map((one) => one.name))
    for (const { name, max_in_progress: cap } of profiles) {
      if (!known.has(name)) found.push({ name, counts: {}, cap })
    }
  }
  return found.toSorted((a, b) => {
    if (a.name === null || b.name === null) return a.name === b.name ? 0 : a.name === null ? 1 : -1
    return a.name.localeCompare(b.name)
  })
}

/** How many tasks of a lane are in the columns that are shown. */
export function shownIn(lane: LaneCount, columns: readonly string[]): number {
  return columns.reduce((sum, status) => sum + (lane.counts[status] ?? 0), 0)
}
