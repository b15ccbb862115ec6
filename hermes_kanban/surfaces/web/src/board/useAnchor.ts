import type { Virtualizer } from '@tanstack/react-virtual'
import { useLayoutEffect, useRef } from 'react'
import type { Place } from './steady'

interface Spot {
  id: string
  start: number
  end: number
}

/** Keeps the first card in sight where it is when cards above it come or go. */
export function useAnchor(
  virtual: Virtualizer<HTMLDivElement, Element>,
  places: readonly Place[],
): void {
  const spots = useRef<Spot[]>([])
  const shown = useRef(places)
  useLayoutEffect(() => {
    const scroller = virtual.scrollElement
    const top = scroller?.scrollTop ?? 0
    if (scroller !== null && shown.current !== places && top > 0) {
      const now = new Map(places.map((one, index) => [one.card.id, index]))
      const first = spots.current.find((one) => one.end > top && now.has(one.id))
      const index = first === undefined ? undefined : now.get(first.id)
      const start = index === undefined ? undefined : virtual.measurementsCache[index]?.start
      if (first !== undefined && start !== undefined && Math.abs(start - first.start) > 1) {
        scroller.scrollTop = top + start - first.start
      }
    }
    shown.current = places
    spots.current = virtual.getVirtualItems().flatMap(({ index, start, end }) => {
      const id = places[index]?.card.id
      return id === undefined ? [] : [{ id, start, end }]
    })
  })
}
