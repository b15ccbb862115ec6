/** How a run ended, in a word and a look. */

import type { Run, Status } from '@/api/types'

export interface Outcome {
  word: string
  /** Whose colour and, unless it failed, whose shape it has. */
  status: Status
  failed: boolean
}

const OUTCOMES: Record<string, Outcome> = {
  completed: { word: 'Done', status: 'done', failed: false },
  review: { word: 'Handed in', status: 'review', failed: false },
  blocked: { word: 'Blocked', status: 'blocked', failed: false },
  waiting: { word: 'Waiting', status: 'todo', failed: false },
  crashed: { word: 'Crashed', status: 'blocked', failed: true },
  timed_out: { word: 'Timed out', status: 'blocked', failed: true },
  spawn_failed: { word: 'Not started', status: 'blocked', failed: true },
  protocol_violation: { word: 'No result', status: 'blocked', failed: true },
  rate_limited: { word: 'Rate limited', status: 'running', failed: true },
  reclaimed: { word: 'Reclaimed', status: 'todo', failed: false },
  cancelled: { word: 'Cancelled', status: 'archived', failed: false },
}

/** How the run ended, or that it has not. */
export function outcomeOf(run: Pick<Run, 'outcome' | 'ended_at' | 'stop_requested_at'>): Outcome {
  if (run.ended_at === null) {
    return {
      word: run.stop_requested_at === null ? 'Running' : 'Stopping',
      status: 'running',
      failed: false,
    }
  }
  const word = (run.outcome ?? 'ended').replaceAll('_', ' ')
  return OUTCOMES[run.outcome ?? ''] ?? { word, status: 'todo', failed: false }
}
