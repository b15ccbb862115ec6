import type { Card } from '../api/types.ts'

/** The answers that a question lists, to be chosen from. */
export function choicesOf(card: Card): readonly string[] {
  return (card as Card & { choices?: string[] }).choices ?? []
}
