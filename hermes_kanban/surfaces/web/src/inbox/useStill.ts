import { type MouseEvent, useLayoutEffect, useRef } from 'react'

const STARTLED_MILLISECONDS = 600

/**
 * Handlers for a list that closes up when something leaves it: a press where the pointer rests while
 * another item slides under it was meant for the one before, and is not taken.
 */
export function useStill(order: string) {
  const changedAt = useRef(Number.NEGATIVE_INFINITY)
  const before = useRef(order)
  useLayoutEffect(() => {
    if (before.current === order) return
    before.current = order
    changedAt.current = performance.now()
  }, [order])
  return {
    onPointerMove: () => {
      changedAt.current = Number.NEGATIVE_INFINITY
    },
    onClickCapture: (event: MouseEvent) => {
      // Keys press buttons without a pointer.
      const isPointer = event.detail > 0
      if (!isPointer || performance.now() - changedAt.current > STARTLED_MILLISECONDS) return
      event.preventDefault()
      event.stopPropagation()
    },
  }
}
