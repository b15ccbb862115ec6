import { useEffect, useRef } from 'react'
import type { Status } from '@/api/types'
import { type Asked, belongs } from '@/live/cardlists'
import { serverNow } from '@/live/clock'
import type { Place } from '../steady'
import { type Drag, useDrag } from './drag'
import { landingPlace } from './landing'
import { stateIn } from './targets'

/** A line where the dragged card would come to lie in the order of this list. */
export function DropLine(props: {
  status: Status
  /** What the list was asked for. */
  asked: Asked | null
  places: readonly Place[]
  /** How far below the top of the list that place begins. */
  topOf: (place: number) => number
}) {
  const { status, asked, places, topOf } = props
  const card = useDrag((drag) => (takes(drag, status, asked) ? (drag?.taken ?? null) : null))
  const byKeys = useDrag((drag) => drag?.by === 'keys')
  const line = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (card !== null && byKeys) line.current?.scrollIntoView({ block: 'nearest' })
  }, [card, byKeys])
  if (card === null) return null
  const cards = places.map((one) => one.card)
  const top = topOf(landingPlace(cards, card, status, asked?.order, serverNow()))
  return (
    <li
      ref={line}
      className="drop-line"
      aria-hidden="true"
      style={{ transform: `translateY(${Math.max(0, top)}px)` }}
    />
  )
}

/** Whether the card in the hand would come into this very list. */
function takes(drag: Drag | null, status: Status, asked: Asked | null): boolean {
  if (drag === null || asked === null || drag.over !== status) return false
  if (drag.taken.status === status || stateIn(drag, status) !== 'allowed') return false
  return belongs({ ...drag.taken, status }, asked) !== false
}
