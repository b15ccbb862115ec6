/** What statuses and states are called. */

import type { Card, Status } from '../api/types.ts'

/** "Todo": the name of a column. */
export function statusWord(status: Status): string {
  return status.slice(0, 1).toUpperCase() + status.slice(1)
}

/** States that a card says in words too, for who does not see its mark. */
export const STATE_WORDS: Partial<Record<Card['state'], string>> = {
  needs_you: 'Needs you',
  error: 'Gave up',
}

/** "12 of 128" while fewer than all are shown. */
export function countWords(
  matching: number,
  all: number,
  narrow: boolean,
  show: (value: number) => string,
): string {
  return narrow ? `${show(matching)} of ${show(all)}` : show(all)
}
