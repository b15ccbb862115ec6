/** What each event changed: the columns that it names, with what they held before. */

import type { Event } from '@/api/types'

export interface FieldChange {
  field: string
  before: unknown
  after: unknown
}

export interface ToldEvent {
  event: Event
  changes: FieldChange[]
}

// Said by the event itself, or of no use to a reader.
const UNTOLD = new Set(['seq', 'id', 'created_at', 'created_by'])

/** Events, oldest first, with what they changed: an event names the new value, those before it the old. */
export function withChanges(events: readonly Event[]): ToldEvent[] {
  const known = new Map<string, unknown>()
  return events.map((event) => {
    const changes: FieldChange[] = []
    const named = (event.payload as { task?: Record<string, unknown> }).task ?? {}
    for (const [field, after] of Object.entries(named)) {
      const before = known.get(field) ?? null
      known.set(field, after)
      if (UNTOLD.has(field) || same(before, after)) continue
      changes.push({ field, before, after })
    }
    return { event, changes }
  })
}

function same(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}
