/** Making a task so that it lands in a column: which verbs that takes, one after the other. */

import { bulk } from '@/actions/perform'
import { boardClient, held } from '@/api/client'
import { Problem } from '@/api/problem'
import type { Caution, Status } from '@/api/types'

export interface Wanted {
  title: string
  /** The column in which it is wanted. */
  status: Status
  body?: string | null
  assignee?: string | null
  tenant?: string | null
  priority?: number
  parents?: string[]
  skills?: string[]
  model?: string | null
  workspace?: string | null
  branch?: string | null
  scheduled_at?: number | null
  max_runtime_seconds?: number | null
  max_retries?: number | null
  idempotency_key?: string | null
  /** What it waits for, where it is to be blocked. */
  question?: string
}

export interface Made {
  id: string
  status: string
  warnings: Caution[]
  /** Why it is not in the column where it was wanted; null where it is, or rests elsewhere. */
  refused: Problem | null
}

/** Why nothing is created in a column; null where it can be. */
export function whyNotIn(status: Status): string | null {
  return NOWHERE[status] ?? null
}

// No verb brings a new task there: it gets there by work, or by being put away.
const NOWHERE: Partial<Record<Status, string>> = {
  running: 'Nothing is created in Running. The board starts what is in Ready.',
  review: 'Nothing is created in Review. A worker hands its task in.',
  archived: 'Nothing is created in Archived. A task is put there with E.',
}

/** Makes the task; `key` names this attempt, so that a repeat makes no second one. Throws a Problem. */
export async function makeTask(board: string, wanted: Wanted, key: string): Promise<Made> {
  const { status, question, assignee = null, ...fields } = wanted
  // Nobody may start it between its creation and the verb that brings it where it belongs.
  const isHeld = status === 'blocked' || status === 'done'
  const made = held(
    await boardClient(board).POST('/tasks', {
      params: { header: { 'Idempotency-Key': key } },
      body: {
        ...fields,
        assignee: isHeld ? null : assignee,
        triage: status === 'triage' || status === 'done',
      },
    }),
  )
  if (!isHeld) return { ...made, refused: null }
  const { id } = made
  const then = [
    status === 'blocked'
      ? { verb: 'block', arguments: { task_id: id, reason: question ?? '' } }
      : { verb: 'move', arguments: { task_id: id, to: 'done' } },
    ...(assignee === null ? [] : [{ verb: 'assign', arguments: { task_id: id, assignee } }]),
  ]
  const { results } = await bulk(board, then)
  const failed = results.find((one) => one.problem !== null)?.problem
  const last = results.at(-1)?.answer as { status?: string; warnings?: Caution[] } | null
  return {
    id,
    status: last?.status ?? made.status,
    warnings: last?.warnings ?? [],
    refused: failed == null ? null : new Problem(failed),
  }
}
