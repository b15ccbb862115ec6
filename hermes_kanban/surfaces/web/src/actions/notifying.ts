/** The verbs about who hears of what; none of them has an undo, and none is shown before it is so. */

import type { QueryClient } from '@tanstack/react-query'
import { boardClient, held } from '@/api/client'
import { Problem, sentenceOf } from '@/api/problem'
import { toast, toastProblem } from '@/kit/toasts'
import { offlineSentence } from '@/live/connection'
import { keys } from '@/live/keys'
import { destinationWords } from '@/notifications/words'
import { askConfirm, askText, type TextAnswer } from './asking'
import { bulk } from './perform'

export type Notifying = ReturnType<typeof notifyingOn>

/** A subscription, as far as ending it needs to know. */
export interface Ending {
  id: number
  task_id: string | null
  /** Where it goes, in words. */
  where: string
  waiting: number
}

/** What is done with subscriptions and deliveries of one board. */
export function notifyingOn(client: QueryClient, board: string) {
  const api = boardClient(board)

  /** What `act` answers, or why not; the lists are read anew either way. */
  async function done<T>(act: () => Promise<T>): Promise<T | Problem> {
    const offline = offlineSentence()
    if (offline !== null) return new Problem({ status: 0, detail: offline })
    try {
      return await act()
    } catch (error) {
      return error instanceof Problem
        ? error
        : new Problem({ status: 0, code: 'unknown', detail: sentenceOf(error) })
    } finally {
      void client.invalidateQueries({ queryKey: keys.allSlow(board) })
    }
  }

  async function settle(
    verb: 'retry_delivery' | 'drop_delivery',
    ids: readonly number[],
    given: { reason?: string; all?: boolean } = {},
  ): Promise<boolean> {
    const items = ids.map((delivery) => ({ verb, arguments: { delivery, ...given } }))
    const told = await done(() => bulk(board, items))
    const [refused] =
      told instanceof Problem
        ? [told]
        : told.results.flatMap((one) => (one.problem ? [new Problem(one.problem)] : []))
    if (refused !== undefined) {
      toastProblem(refused, verb === 'drop_delivery' ? 'Not dropped.' : 'Not tried again.')
    }
    return refused === undefined
  }

  return {
    /** The id of the subscription, or why there is none: the form says it. */
    async subscribe(asked: Record<string, unknown>): Promise<number | Problem> {
      const body = asked as never
      const made = await done(async () => held(await api.POST('/subscribe', { body })))
      if (made instanceof Problem) return made
      reread(asked.task_id as string | null)
      return made.id
    },

    /** Asks first where something still waits, which is given up then. */
    async end(one: Ending): Promise<boolean> {
      const { id, waiting } = one
      const wanted =
        waiting === 0 ||
        (await askConfirm({
          title: `End subscription ${id}`,
          lines: [`${one.where}: ${waiting} ${waiting === 1 ? 'message waits' : 'messages wait'}.`],
          told: 'What waits is given up.',
          submit: 'End',
        }))
      if (!wanted) return false
      const body = { subscription: id }
      const ended = await done(async () => held(await api.POST('/unsubscribe', { body })))
      if (ended instanceof Problem) {
        toastProblem(ended, 'Not ended.')
        return false
      }
      reread(one.task_id)
      toast(`Subscription ${id} ended. ${one.where} hears no more of it.`)
      return true
    },

    /** Sends a message now; null where it arrived, else why it did not. */
    async test(id: number): Promise<Problem | null> {
      const body = { subscription: id }
      const sent = await done(async () => held(await api.POST('/test-subscription', { body })))
      return sent instanceof Problem ? sent : null
    },

    retry: (ids: readonly number[]) => settle('retry_delivery', ids),

    /** Asks why, which is kept. */
    async drop(ids: readonly number[]): Promise<boolean> {
      const said = await askText({
        title: ids.length === 1 ? `Drop delivery ${ids[0]}` : `Drop ${ids.length} deliveries`,
        label: 'Why? It is kept as the reason.',
        submit: 'Drop',
        required: false,
      })
      if (said === null) return false
      return settle('drop_delivery', ids, reasonOf(said))
    },

    /** Asks which: it alone, or all that were to go where it goes. */
    async dropDead(one: { id: number; destination: string }): Promise<boolean> {
      const { kind, which } = destinationWords(one.destination)
      const said = await askText({
        title: `Drop delivery ${one.id}`,
        label: 'Why? Without a reason it keeps its own.',
        submit: 'Drop',
        required: false,
        choice: {
          label: 'Which',
          options: [
            { value: 'one', label: 'This one', told: 'The others stay.' },
            {
              value: 'all',
              label: 'All dead ones there',
              told: `Whatever could not arrive at ${`${kind} ${which}`.trim()}.`,
            },
          ],
        },
      })
      if (said === null) return false
      return settle('drop_delivery', [one.id], { ...reasonOf(said), all: said.choice === 'all' })
    },
  }

  function reasonOf(said: TextAnswer): { reason?: string } {
    return said.text === '' ? {} : { reason: said.text }
  }

  function reread(task: string | null): void {
    if (task !== null) void client.invalidateQueries({ queryKey: keys.wholeTask(board, task) })
  }
}
