/** The addresses of the view of notifications. */

import { placeOf } from '@/app/places'
import type { DeliveryState } from './reading'

export const STATES = ['waiting', 'dead', 'delivered', 'dropped'] as const

/** The address of the outbox, of one subscription if that is named. */
export function outboxPlace(
  board: string,
  state: DeliveryState,
  subscription: number | null = null,
): string {
  const search = new URLSearchParams({ show: 'outbox', state })
  if (subscription !== null) search.set('subscription', String(subscription))
  return `${placeOf(board, 'notifications')}?${search}`
}

/** The state that an address names; what waits where it names none. */
export function stateIn(search: URLSearchParams): DeliveryState {
  return STATES.find((one) => one === search.get('state')) ?? 'waiting'
}

/** The subscription that an address names. */
export function subscriptionIn(search: URLSearchParams): number | null {
  const named = Number(search.get('subscription'))
  return Number.isSafeInteger(named) && named > 0 ? named : null
}
