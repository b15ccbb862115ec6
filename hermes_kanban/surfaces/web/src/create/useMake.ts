import { useQueryClient } from '@tanstack/react-query'
import { useCallback } from 'react'
import { during, remember } from '@/actions/history'
import { openTask } from '@/actions/opening'
import { letIn } from '@/actions/optimism'
import { tellDone, warningsOf } from '@/actions/report'
import { useActions } from '@/actions/useActions'
import { Problem, sentenceOf } from '@/api/problem'
import { useBoard } from '@/app/board'
import { statusName } from '@/kit/sentences'
import { toast } from '@/kit/toasts'
import { offlineSentence } from '@/live/connection'
import { type Made, makeTask, type Wanted } from './making'

/** Makes a task and says where it is; a Problem where that was refused. */
export function useMake(): (wanted: Wanted, key: string) => Promise<Made | Problem> {
  const { slug } = useBoard()
  const { undo } = useActions()
  const client = useQueryClient()
  return useCallback(
    async (wanted, key) => {
      const offline = offlineSentence()
      if (offline !== null) return new Problem({ status: 0, detail: offline })
      try {
        const doing = makeTask(slug, wanted, key).then((one) => {
          remember(slug, [one.id])
          return one
        })
        const made = await during(slug, doing)
        letIn(client, slug, [made.id])
        tell(slug, wanted, made, () => void undo())
        return made
      } catch (error) {
        return error instanceof Problem
          ? error
          : new Problem({ status: 0, code: 'unknown', detail: sentenceOf(error) })
      }
    },
    [client, slug, undo],
  )
}

function tell(board: string, wanted: Wanted, made: Made, undo: () => void): void {
  if (made.refused !== null) {
    toast(
      `${made.id} is created, but not in ${statusName(wanted.status)}. ${made.refused.sentence}`,
      {
        bad: true,
        action: { label: `Open ${made.id}`, act: () => openTask(board, made.id) },
      },
    )
    return
  }
  const elsewhere = made.status === wanted.status ? '' : `, in ${statusName(made.status)}`
  const reason =
    wanted.status === 'todo' && made.status === 'ready' ? ': it waits for no parent' : ''
  tellDone(`${made.id} created${elsewhere}${reason}.`, {
    warnings: warningsOf(board, made.warnings),
    undo,
  })
}
