/** How a run ended, in words and as a look. */

import type { Status } from '@/api/types'

export type Look =
  | 'running'
  | 'done'
  | 'review'
  | 'blocked'
  | 'failed'
  | 'waiting'
  | 'put-off'
  | 'stopped'

const OUTCOMES: Record<string, { look: Look; words: string }> = {
  completed: { look: 'done', words: 'completed' },
  review: { look: 'review', words: 'asked for review' },
  blocked: { look: 'blocked', words: 'blocked' },
  waiting: { look: 'waiting', words: 'waits for subtasks' },
  rate_limited: { look: 'put-off', words: 'rate limited' },
  reclaimed: { look: 'stopped', words: 'reclaimed' },
  cancelled: { look: 'stopped', words: 'cancelled' },
  crashed: { look: 'failed', words: 'crashed' },
  timed_out: { look: 'failed', words: 'timed out' },
  spawn_failed: { look: 'failed', words: 'not started' },
  protocol_violation: { look: 'failed', words: 'ended without a word' },
}

/** The status whose colours a look has. */
export const COLOUR: Record<Look, Status> = {
  running: 'running',
  done: 'done',
  review: 'review',
  blocked: 'blocked',
  failed: 'blocked',
  waiting: 'todo',
  'put-off': 'ready',
  stopped: 'archived',
}

/** The look of a run by its outcome; null is one at work. */
export function lookOf(outcome: string | null): Look {
  return outcome === null ? 'running' : (OUTCOMES[outcome]?.look ?? 'stopped')
}

/** The outcome as people say it. */
export function outcomeWords(outcome: string | null): string {
  return outcome === null ? 'running' : (OUTCOMES[outcome]?.words ?? outcome.replaceAll('_', ' '))
}
