/**
 * Which tasks the palette's actions are for. The view that is shown offers them: the selection, or
 * the card with the focus; of several that offer some the one that came last does.
 */

import { useEffect, useRef } from 'react'

type Offer = () => readonly string[]
const offers: Offer[] = []

/** Offers tasks, by id, while its component is shown. */
export function useOfferSubjects(offer: Offer): void {
  const newest = useRef(offer)
  newest.current = offer
  useEffect(() => {
    const mine: Offer = () => newest.current()
    offers.push(mine)
    return () => {
      offers.splice(offers.indexOf(mine), 1)
    }
  }, [])
}

/** The tasks that are offered now, none where nobody offers any. */
export function offeredSubjects(): readonly string[] {
  for (const offer of offers.toReversed()) {
    const ids = offer()
    if (ids.length > 0) return ids
  }
  return []
}
