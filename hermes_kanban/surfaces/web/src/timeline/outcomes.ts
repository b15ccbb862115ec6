/** How a run ended, in words and as a look. */

export type Look =
  | 'running'
  | 'done'
  | 'review'
  | 'blocked'
  | 'failed'
  | 'waiting'
  | 'put-off'
  | 'stopped'

const LOOKS: Record<string, Look> = {
  completed: 'done',
  review: 'review',
  blocked: 'blocked',
  waiting: 'waiting',
  rate_limited: 'put-off',
  reclaimed: 'stopped',
  cancelled: 'stopped',
  crashed: 'failed',
  timed_out: 'failed',
  spawn_failed: 'failed',
  protocol_violation: 'failed',
}

const WORDS: Record<string, string> = {
  completed: 'completed',
  review: 'asked for review',
  blocked: 'blocked',
  waiting: 'waits for subtasks',
  rate_limited: 'rate limited',
  reclaimed: 'reclaimed',
  cancelled: 'cancelled',
  crashed: 'crashed',
  timed_out: 'timed out',
  spawn_failed: 'not started',
  protocol_violation: 'ended without a word',
}

/** The look of a run by its outcome; null is one at work. */
export function lookOf(outcome: string | null): Look {
  return outcome === null ? 'running' : (LOOKS[outcome] ?? 'stopped')
}

/** The outcome as people say it. */
export function outcomeWords(outcome: string | null): string {
  return outcome === null ? 'running' : (WORDS[outcome] ?? outcome.replaceAll('_', ' '))
}
