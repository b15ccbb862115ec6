/**
 * A column that does not move under the hand. While the pointer or the focus is in it, what it shows
 * stays where it is: a card that left keeps its place, one that came waits above. Pure: tested with
 * node.
 */

import type { Card } from '../api/types.ts'

/** A place in a column; `gone` is one whose card is elsewhere now. */
export interface Place {
  card: Card
  gone: boolean
}

export interface Steady {
  places: Place[]
  /** Cards that came while the column stood still, above the end of what it shows. */
  held: Card[]
}

/** All of it as it is. */
export function free(cards: readonly Card[]): Steady {
  return { places: cards.map((card) => ({ card, gone: false })), held: [] }
}

/**
 * What is shown of `cards` while `before` may not move. What comes after the last place that is
 * shown moves nothing and is shown; so are the `welcome`, which whoever looks at the column asked
 * for. Of what they sent away no place is kept.
 */
export function still(
  before: readonly Place[],
  cards: readonly Card[],
  welcome: (id: string) => boolean,
  sentAway: (id: string) => boolean = welcome,
): Steady {
  const now = new Map(cards.map((card, index) => [card.id, { card, index }]))
  const left = before.filter(({ card }) => now.has(card.id) || !sentAway(card.id))
  const places = left.map(({ card }): Place => {
    const found = now.get(card.id)
    return found === undefined ? { card, gone: true } : { card: found.card, gone: false }
  })
  const known = new Set(before.map((one) => one.card.id))
  const end = Math.max(-1, ...before.map(({ card }) => now.get(card.id)?.index ?? -1))
  const held: Card[] = []
  for (const [index, card] of cards.entries()) {
    if (known.has(card.id)) continue
    if (index > end) places.push({ card, gone: false })
    else if (welcome(card.id))
      places.splice(placeFor(places, cards, index), 0, { card, gone: false })
    else held.push(card)
  }
  return { places, held }
}

/** Before the first place that stands after it in the order of the cards. */
function placeFor(places: readonly Place[], cards: readonly Card[], index: number): number {
  const later = new Set(cards.slice(index + 1).map((card) => card.id))
  const at = places.findIndex((one) => !one.gone && later.has(one.card.id))
  return at < 0 ? places.length : at
}
