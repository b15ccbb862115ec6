/** Answers that are given on a card. */

import { useCallback } from 'react'
import { useClient } from '@/app/board'
import { toastProblem } from '@/kit/toasts'

export interface Answers {
  /** Answers a question, or tries again what was given up. */
  unblock: (id: string, reason?: string) => void
  approve: (id: string) => void
}

/** What a press on an answer does; a refusal is told in the server's words. */
export function useAnswers(): Answers {
  const client = useClient()
  const unblock = useCallback(
    (id: string, reason?: string) => {
      client
        .POST('/tasks/{task_id}/unblock', {
          params: { path: { task_id: id } },
          body: { reason: reason ?? null },
        })
        .catch((error: unknown) => toastProblem(error, 'Not unblocked.'))
    },
    [client],
  )
  const approve = useCallback(
    (id: string) => {
      client
        .POST('/tasks/{task_id}/approve', { params: { path: { task_id: id } }, body: {} })
        .catch((error: unknown) => toastProblem(error, 'Not approved.'))
    },
    [client],
  )
  return { unblock, approve }
}
