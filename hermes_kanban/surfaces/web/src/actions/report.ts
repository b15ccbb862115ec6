/** Telling what became of verbs: only what the eye does not see already, or can be taken back. */

import type { Caution } from '@/api/types'
import { shown } from '@/keys/table'
import { type ToastRow, toast } from '@/kit/toasts'
import { wasTyped } from './asking'
import { openTask } from './opening'
import type { Outcome, Refusal, Result, Step } from './perform'
import { cautionSentences, namesOf, otherTask, outcomeSentence } from './words'

export interface Told {
  /** "moved to Blocked", "assigned to backend". */
  past: string
  /** "Not moved." */
  not: string
  /** Whether the warnings of the answers are about what was meant. */
  warns?: boolean
  /** It offers no undo, as it is one. */
  final?: boolean
  /** What follows once all of it is done, at once or by trying again. */
  whenDone?: () => void
}

export interface Hands {
  undo: () => void
  again: () => void
}

// What is so of the board or of its hosts is not said with every task.
const OF_THE_BOARD = new Set(['no_gateway', 'paused', 'draining'])
const QUIET_MILLISECONDS = 5 * 60_000
const saidAt = new Map<string, number>()

let closeUndo: (() => void) | null = null

/** One toast about an outcome, or none where all was done, is seen, and is final. */
export function report(board: string, outcome: Outcome, told: Told, hands: Hands): void {
  const { done, refused } = outcome
  if (done.length === 0) {
    reportRefused(board, refused, told, hands)
    return
  }
  const canUndo = told.final !== true && done.some((one) => one.answer.undoable === true)
  const warnings = told.warns === true ? warningsOf(board, warned(done)) : []
  if (!canUndo && warnings.length === 0 && refused.length === 0) return
  const ids = done.map((one) => ({ id: one.step.id ?? one.answer.id ?? 'The board' }))
  tellDone(outcomeSentence(ids, refused.length, told.past), {
    warnings,
    rows: rowsOf(board, refused),
    undo: canUndo ? hands.undo : null,
  })
}

interface Done {
  warnings: readonly string[]
  rows?: readonly ToastRow[]
  /** What takes it back; null where nothing does. */
  undo: (() => void) | null
}

/** Says what was done. Z takes back the last only, so only the last offers it. */
export function tellDone(text: string, { warnings, rows = [], undo }: Done): void {
  const close = toast([text, ...warnings].join(' '), {
    warn: warnings.length > 0 || rows.length > 0,
    rows,
    action: undo === null ? undefined : { label: 'Undo', hint: shown('undo'), act: undo },
  })
  if (undo === null) return
  closeUndo?.()
  closeUndo = close
}

function warned(done: readonly Result[]): Caution[] {
  return done.flatMap((one) => one.answer.warnings ?? [])
}

/** What Z would have taken back is taken back. */
export function closeUndoToast(): void {
  closeUndo?.()
  closeUndo = null
}

function reportRefused(board: string, refused: readonly Refusal[], told: Told, hands: Hands) {
  const [first] = refused
  if (first === undefined) return
  if (refused.length > 1) {
    const sentences = new Set(refused.map((one) => one.problem.sentence))
    const [only] = sentences
    const names = namesOf(refused.map((one) => ({ id: one.step.id ?? '' })))
    toast(`${told.not} ${sentences.size === 1 ? only : `${names} were refused.`}`, {
      bad: true,
      rows: sentences.size === 1 ? [] : rowsOf(board, refused),
    })
    return
  }
  toast(`${told.not} ${first.problem.sentence}`, {
    bad: true,
    action: wayOut(board, first, hands),
    stays: mayBeTriedAgain(first) && isOfDialog(first.step),
  })
}

/** The one thing to do about a refusal: go to the task that stands in the way, or try again. */
function wayOut(board: string, { step, problem }: Refusal, hands: Hands) {
  const other = otherTask(problem.message, step.id === null ? [] : [step.id])
  if (other !== null) return { label: `Open ${other}`, act: () => openTask(board, other) }
  if (mayBeTriedAgain({ step, problem })) {
    return { label: 'Try again', act: hands.again }
  }
  if (step.id === null) return undefined
  const { id } = step
  return { label: `Open ${id}`, act: () => openTask(board, id) }
}

function mayBeTriedAgain({ problem }: Refusal): boolean {
  return problem.status === 0 || problem.status >= 500
}

/** Whether it has a text that was typed into a dialog, which has closed: it is kept nowhere else. */
function isOfDialog({ arguments: given }: Step): boolean {
  return Object.values(given).some(wasTyped)
}

function rowsOf(board: string, refused: readonly Refusal[]) {
  return refused.map(({ step, problem }) => {
    const { id } = step
    return {
      name: id ?? 'The board',
      text: problem.sentence,
      open: id === null ? undefined : () => openTask(board, id),
    }
  })
}

/** Warnings in sentences, each once; what is so of the whole board only now and then. */
export function warningsOf(board: string, all: readonly Caution[]): string[] {
  const now = Date.now()
  const news = all.filter(
    ({ code, text }) =>
      !OF_THE_BOARD.has(code) || now - (saidAt.get(`${board} ${text}`) ?? 0) > QUIET_MILLISECONDS,
  )
  for (const { text } of news) saidAt.set(`${board} ${text}`, now)
  return cautionSentences(news)
}
