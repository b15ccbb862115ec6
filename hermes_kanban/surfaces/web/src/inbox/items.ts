/** What waits for a person, in words. What may be done about it the server says (`verbs`). */

import type { AttentionItem } from '@/api/types'

export type Kind = 'question' | 'access' | 'review' | 'late_result' | 'gave_up'

/** What kind of thing it is; a question for a right that its agent lacks is one for access. */
export function kindOf(item: AttentionItem): Kind {
  const lacks = item.kind === 'question' && item.card.block_kind === 'capability'
  return lacks ? 'access' : item.kind
}

export const KIND_WORDS: Record<Kind, string> = {
  question: 'Question',
  access: 'Access',
  review: 'Review',
  late_result: 'Late result',
  gave_up: 'Gave up',
}

/** What an item is kept and found by; a task may have a question and late results. */
export function idOf(item: AttentionItem): string {
  const late = item.kind === 'late_result' ? ` ${item.run_id}` : ''
  return `${item.card.id} ${item.kind}${late}`
}

/** All that waits, what waits longest first. */
export function oldestFirst(pages: readonly { items: AttentionItem[]; late: AttentionItem[] }[]) {
  const late = pages.at(-1)?.late ?? []
  const all = [...pages.flatMap((page) => page.items), ...late]
  return all.sort((a, b) => a.since - b.since || a.card.seq - b.card.seq)
}

/** Who asks, and what an answer does. */
export function sentenceOn(item: AttentionItem): string {
  const { assignee, attempts, failures, status } = item.card
  const who = assignee ?? 'Nobody in particular'
  switch (kindOf(item)) {
    case 'question':
      return `${who} asks. Answering starts it again with its work so far.`
    case 'access':
      return `${who} lacks a capability. Grant it and unblock, or assign the task to another.`
    case 'review':
      return `${who} requests review. Approving makes it done and starts what waits for it.`
    case 'gave_up':
      return `${failures} of ${attempts} attempts failed. No attempt starts until you act.`
    case 'late_result':
      return status === 'done'
        ? `Run ${item.run_id} handed this in late. The task is done; nothing changes unless you adopt.`
        : `Run ${item.run_id} handed this in after its claim was taken. Adopting makes the task done.`
  }
}

/** Where the selection goes when the item at `index` has left a list that is now `length` long. */
export function nextIndex(index: number, length: number): number {
  return Math.max(0, Math.min(index, length - 1))
}
