import type { Virtualizer } from '@tanstack/react-virtual'
import { useLayoutEffect, useRef } from 'react'
import type { Place } from './steady'

type List = Virtualizer<HTMLDivElement, Element>

/** Keeps the first card in sight where it is when cards above it come or go. */
export function useAnchor(virtual: List, places: readonly Place[]): void {
  const anchor = useRef<{ id: string; below: number } | null>(null)
  const shown = useRef(places)
  useLayoutEffect(() => {
    const scroller = virtual.scrollElement
    if (scroller === null) return
    if (shown.current !== places && anchor.current !== null && scroller.scrollTop > 0) {
      const { id, below } = anchor.current
      const index = places.findIndex((one) => one.card.id === id)
      const start = virtual.measurementsCache[index]?.start
      const wanted = start === undefined ? null : start - below
      if (wanted !== null && Math.abs(wanted - scroller.scrollTop) > 1) scroller.scrollTop = wanted
    }
    shown.current = places
    const top = scroller.scrollTop
    const first = virtual.getVirtualItems().find((one) => one.end > top)
    const card = first === undefined ? undefined : places[first.index]?.card
    anchor.current =
      first === undefined || card === undefined ? null : { id: card.id, below: first.start - top }
  })
}
