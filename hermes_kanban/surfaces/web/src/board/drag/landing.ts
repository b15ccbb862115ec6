/** Where a dragged card would come to lie, and how that is said. Pure: tested with node. */

import type { Card, Move, Status } from '../../api/types.ts'
import { statusName } from '../../kit/sentences.ts'
import { compare, type Order } from '../../live/cardlists.ts'

/** The place in `cards` at which the order of the column puts the card. */
export function landingPlace(
  cards: readonly Card[],
  card: Card,
  to: Status,
  order: Order | undefined,
  now: number,
): number {
  const landed: Card = { ...card, status: to, completed_at: to === 'done' ? now : null }
  const others = cards.filter((one) => one.id !== card.id)
  const before = others.findIndex((one) => compare(landed, one, order) < 0)
  return before < 0 ? others.length : before
}

/** "t_h3zb lifted. Ready, 1 of 4." */
export function liftedWords(names: string, from: Status, place: number, total: number): string {
  return `${names} lifted. ${statusName(from)}, ${place + 1} of ${total}.`
}

/** "Blocked, 2 of 5. Needs a reason.", or why not. */
export function overWords(
  to: Status,
  whyNot: string | null,
  needs: Move['needs'],
  place: number,
  total: number,
): string {
  const name = statusName(to)
  if (whyNot !== null) return `${name}: not possible, ${whyNot}.`
  const need = needs === null ? '' : ` Needs a ${needs}.`
  return `${name}, ${place + 1} of ${total}.${need}`
}
