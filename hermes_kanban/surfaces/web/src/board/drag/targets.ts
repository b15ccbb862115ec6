/** What a column is to the cards that are dragged. */

import { whyNone } from '@/actions/moving'
import type { Status } from '@/api/types'
import type { Drag } from './drag'

/** Where they come from, where they may go or not; null while nothing is dragged or known. */
export function stateIn(drag: Drag | null, status: Status): 'home' | 'allowed' | 'refused' | null {
  if (drag === null) return null
  if (areHome(drag, status)) return 'home'
  if (drag.moves === null) return null
  return whyNone(drag.moves, status) === null ? 'allowed' : 'refused'
}

/** Why none of the cards may go there; null where one may, or nothing is known yet. */
export function whyNotIn(drag: Drag | null, status: Status): string | null {
  if (drag?.moves == null || areHome(drag, status)) return null
  return whyNone(drag.moves, status)
}

/** Whether all of them are in that column already. */
export function areHome({ cards }: Drag, status: Status): boolean {
  return cards.every((one) => one.status === status)
}
