/** What was done, and what was not and why, in sentences. */

import type { Caution, Undone } from '../api/types.ts'
import { sentence, TASK_ID } from '../kit/sentences.ts'
import { age } from '../kit/time.ts'
import { priorityWord } from './priorities.ts'

/** "t_h3zb", or "3 tasks". */
export function namesOf(of: readonly { id: string }[]): string {
  const [only] = of
  return of.length === 1 && only !== undefined ? only.id : `${of.length} tasks`
}

/** "9 moved to Blocked, 1 refused", "t_h3zb moved to Blocked". */
export function outcomeSentence(done: readonly { id: string }[], refused: number, past: string) {
  if (refused === 0) return `${namesOf(done)} ${past}.`
  return `${done.length} ${past}, ${refused} refused.`
}

/** Sentences of warnings, each once, however many tasks have it. */
export function cautionSentences(all: readonly Caution[]): string[] {
  return [...new Set(all.map((one) => sentence(one.text)))]
}

/** The first task that a sentence names and that is none of `except`. */
export function otherTask(told: string, except: readonly string[]): string | null {
  const found = told.match(new RegExp(`\\b${TASK_ID}\\b`, 'g')) ?? []
  return found.find((id) => !except.includes(id)) ?? null
}

/** What an undo took back: the verb, and how it is now. */
export function undoneSentence(undone: Pick<Undone, 'task_id' | 'verb' | 'changes' | 'link'>) {
  const on = undone.task_id ?? 'the board'
  const what = undone.verb === 'undo' ? 'Done again' : `Taken back: ${verbWord(undone.verb)}`
  const now = [...changesInWords(undone.changes), ...linkInWords(undone.link)]
  return now.length === 0 ? `${what}, on ${on}.` : `${what}. ${on}: ${now.join(', ')}.`
}

/** What an undo would take back, before it does. */
export function offerSentence(would: Pick<Undone, 'task_id' | 'verb' | 'at'>, now: number) {
  const on = would.task_id ?? 'the board'
  return `Your last change: ${verbWord(would.verb)} on ${on}, ${age(now - would.at)} ago.`
}

function verbWord(verb: string): string {
  return verb.replaceAll('_', ' ').replace('prioritise', 'priority')
}

function changesInWords(changes: Undone['changes']): string[] {
  return Object.entries(changes).flatMap(([column, [, now]]) => {
    const say = COLUMNS_IN_WORDS[column]
    return say === undefined ? [] : [say(now)]
  })
}

const COLUMNS_IN_WORDS: Record<string, (now: unknown) => string> = {
  status: (now) => `${now} again`,
  assignee: (now) => (now === null ? 'assigned to nobody' : `assigned to ${now}`),
  priority: (now) => `priority ${priorityWord(Number(now))}`,
  title: () => 'title as before',
  body: () => 'body as before',
  tenant: (now) => (now === null ? 'no tenant' : `tenant ${now}`),
  scheduled_at: (now) => (now === null ? 'not scheduled' : 'scheduled as before'),
}

function linkInWords(link: Undone['link']): string[] {
  if (link === null) return []
  const { op, parent_id: parent, child_id: child } = link
  return [op === 'add' ? `${child} waits for ${parent}` : `${child} waits no more for ${parent}`]
}
