/** Doing verbs on one board: shown at once, remembered for undo, told of when they are done. */

import type { QueryClient } from '@tanstack/react-query'
import { mayStop } from './confirming'
import { during, remember, THE_BOARD } from './history'
import type { Change } from './pending'
import { type Outcome, perform, type Step } from './perform'
import { report, type Told } from './report'
import type { Subjects } from './subject'
import { takeBackLast } from './undoing'

/** Verbs that answer what waits for a person. */
const ANSWERS = new Set(['unblock', 'approve', 'request_changes', 'adopt', 'dismiss', 'accept'])

/** What does verbs on one board; each answers whether all of it was done. */
export function doerOn(client: QueryClient, board: string) {
  const undo = () => takeBackLast(client, board)

  function run(steps: readonly Step[], told: Told): Promise<boolean> {
    const doing = perform(client, board, steps).then((outcome) => {
      settle(steps, outcome, told)
      return outcome.refused.length === 0
    })
    return during(board, doing)
  }

  function settle(steps: readonly Step[], outcome: Outcome, told: Told): void {
    const ids = outcome.done.flatMap((one) =>
      one.answer.undoable ? [one.step.id ?? one.answer.id ?? THE_BOARD] : [],
    )
    remember(board, ids)
    if (outcome.refused.length === 0) told.whenDone?.()
    report(board, outcome, told, {
      undo: () => void undo(),
      again: () => void run(steps, told),
    })
  }

  /** The same verb on each of the tasks. */
  function each(
    subjects: Subjects,
    verb: string,
    told: Told,
    given: Record<string, unknown> = {},
    change?: Change,
  ): Promise<boolean> {
    const steps = subjects.map(({ id, question }) => ({
      verb,
      id,
      arguments: {
        task_id: id,
        ...(question != null && ANSWERS.has(verb) ? { question } : {}),
        ...given,
      },
      change,
    }))
    return run(steps, told)
  }

  /** As `each`, where a worker may be stopped by it. */
  async function eachStopping(
    subjects: Subjects,
    verb: string,
    told: Told & { submit: string },
    given: Record<string, unknown> = {},
    change?: Change,
  ): Promise<boolean> {
    const running = subjects.filter((one) => one.status === 'running')
    if (!(await mayStop(client, board, running, told.submit))) return false
    return each(subjects, verb, told, given, change)
  }

  return { run, each, eachStopping, undo }
}
