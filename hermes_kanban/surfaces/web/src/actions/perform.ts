/** Performing verbs: each shown at once, sent together, and told of where the eye cannot see it. */

import type { QueryClient } from '@tanstack/react-query'
import { boardClient, held } from '@/api/client'
import { Problem, sentenceOf } from '@/api/problem'
import type { BulkResults, Caution } from '@/api/types'
import { offlineSentence } from '@/live/connection'
import { keep, show, takeBack } from './optimism'
import type { Change } from './pending'

/** One verb on one task, or on the board (`id` null). */
export interface Step {
  verb: string
  id: string | null
  arguments: Record<string, unknown>
  /** What is to be seen at once. */
  change?: Change
}

export interface Result {
  step: Step
  answer: Answer
}

export interface Answer {
  id?: string
  status?: string
  changed?: boolean
  warnings?: Caution[]
  /** Whether an undo would take back just this. */
  undoable?: boolean
}

export interface Refusal {
  step: Step
  problem: Problem
}

export interface Outcome {
  done: Result[]
  refused: Refusal[]
}

// The server takes 500.
const STEPS_AT_ONCE = 400

/**
 * Performs the steps, one after the other, each a transaction of its own. What each changes is seen
 * at once and taken back where the server refuses. Never throws.
 */
export async function perform(
  client: QueryClient,
  board: string,
  steps: readonly Step[],
): Promise<Outcome> {
  const outcome: Outcome = { done: [], refused: [] }
  const offline = offlineSentence()
  if (offline !== null) {
    const problem = new Problem({ status: 0, detail: offline })
    return { done: [], refused: steps.map((step) => ({ step, problem })) }
  }
  const begun = steps.map((step) => ({
    step,
    entry:
      step.change === undefined || step.id === null
        ? null
        : show(client, board, step.id, step.change),
  }))
  for (let at = 0; at < begun.length; at += STEPS_AT_ONCE) {
    const part = begun.slice(at, at + STEPS_AT_ONCE)
    try {
      const told = await bulk(
        board,
        part.map((one) => one.step),
      )
      for (const [index, { step, entry }] of part.entries()) {
        const result = told.results[index]
        const problem = result?.problem
        if (result === undefined || problem != null) {
          if (entry !== null) takeBack(client, entry)
          const body = problem ?? { status: 0, detail: 'the server did not answer' }
          outcome.refused.push({ step, problem: new Problem(body) })
          continue
        }
        const answer = (result.answer ?? {}) as Answer
        if (entry !== null) keep(client, entry, told.cursor, statusIn(answer, step))
        outcome.done.push({ step, answer })
      }
    } catch (error) {
      for (const { step, entry } of part) {
        if (entry !== null) takeBack(client, entry)
        outcome.refused.push({ step, problem: asProblem(error) })
      }
    }
  }
  return outcome
}

/** A verb that ends elsewhere than it was thought to is shown where it ended. */
function statusIn(answer: Answer, step: Step): Change {
  return answer.status !== undefined && step.change?.status !== undefined
    ? { status: answer.status }
    : {}
}

/** Several verbs in one request; the answers in their order. Throws a Problem. */
export async function bulk(
  board: string,
  asked: readonly Pick<Step, 'verb' | 'arguments'>[],
): Promise<BulkResults> {
  // The arguments of a verb are for the server to check.
  const items = asked.map((one) => ({ verb: one.verb, arguments: one.arguments as never }))
  const body = { items }
  return held(await boardClient(board).POST('/bulk', { body }))
}

function asProblem(error: unknown): Problem {
  return error instanceof Problem
    ? error
    : new Problem({ status: 0, code: 'unknown', detail: sentenceOf(error) })
}
