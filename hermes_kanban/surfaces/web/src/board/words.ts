/** What cards and heads of columns say in words. */

import type { Card } from '../api/types.ts'

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
