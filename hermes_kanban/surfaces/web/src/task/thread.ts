/** Comments and what happened between them, in their order. */

import type { Comment, Event } from '@/api/types'
import { isNotable } from './eventWords'

export type ThreadItem =
  | { kind: 'comment'; at: number; comment: Comment }
  | { kind: 'event'; at: number; event: Event }

/** The thread, oldest first. What happened at the same second stands before what was said of it. */
export function threadOf(comments: readonly Comment[], events: readonly Event[]): ThreadItem[] {
  const told = events.filter(isNotable).map((event) => ({
    kind: 'event' as const,
    at: event.created_at,
    event,
  }))
  const said = comments.map((comment) => ({
    kind: 'comment' as const,
    at: comment.created_at,
    comment,
  }))
  return [...told, ...said].sort((one, other) => one.at - other.at)
}
