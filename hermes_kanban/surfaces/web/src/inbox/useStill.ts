import { type MouseEvent, type PointerEvent, useLayoutEffect, useRef } from 'react'

const STARTLED_MILLISECONDS = 600
const REST_PIXELS = 8

interface Point {
  x: number
  y: number
}

/**
 * Handlers for a list that closes up when something leaves it: a press where the pointer rests while
 * another item slides under it was meant for the one before, and is not taken.
 */
export function useStill(order: string) {
  const pointer = useRef<Point | null>(null)
  const change = useRef<{ at: number; pointer: Point | null }>({ at: 0, pointer: null })
  const before = useRef(order)
  useLayoutEffect(() => {
    if (before.current === order) return
    before.current = order
    change.current = { at: performance.now(), pointer: pointer.current }
  }, [order])
  const note = ({ clientX, clientY }: PointerEvent) => {
    pointer.current = { x: clientX, y: clientY }
  }
  return {
    onPointerMove: note,
    onPointerDown: note,
    onClickCapture: (event: MouseEvent) => {
      const { at, pointer: rest } = change.current
      // Keys press buttons without a pointer.
      if (event.detail === 0 || rest === null) return
      if (performance.now() - at > STARTLED_MILLISECONDS) return
      if (Math.hypot(event.clientX - rest.x, event.clientY - rest.y) > REST_PIXELS) return
      event.preventDefault()
      event.stopPropagation()
    },
  }
}
