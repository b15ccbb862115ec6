import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { Card } from '@/api/types'
import { isSentAway, isWelcome } from './selection'
import { free, type Place, type Steady, still } from './steady'

// A pointer or a focus that was left behind holds nothing back for ever.
const IDLE_MILLISECONDS = 30_000

interface Hand {
  isIn: boolean
  handlers: {
    onPointerMove: (event: React.PointerEvent) => void
    onPointerLeave: () => void
    onFocus: () => void
    onKeyDown: () => void
    onBlur: (event: React.FocusEvent) => void
  }
}

/** Whether somebody's pointer or focus is in an element, and not left behind there. */
export function useHand(element: RefObject<HTMLElement | null>): Hand {
  const [isIn, setIn] = useState(false)
  const idle = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const pointer = useRef(false)
  const awake = useCallback(() => {
    clearTimeout(idle.current)
    idle.current = setTimeout(() => setIn(false), IDLE_MILLISECONDS)
    setIn(true)
  }, [])
  const leave = useCallback((hasFocus: boolean) => {
    if (pointer.current || hasFocus) return
    clearTimeout(idle.current)
    setIn(false)
  }, [])
  useEffect(() => () => clearTimeout(idle.current), [])
  return {
    isIn,
    handlers: {
      onPointerMove: (event) => {
        if (event.pointerType === 'touch') return
        pointer.current = true
        awake()
      },
      onPointerLeave: () => {
        pointer.current = false
        leave(element.current?.contains(document.activeElement) === true)
      },
      onFocus: awake,
      onKeyDown: awake,
      onBlur: (event) => leave(element.current?.contains(event.relatedTarget) === true),
    },
  }
}

/** What a list shows: all of it, or what stands still under a hand. `show` lets the rest in. */
export function useSteady(
  cards: readonly Card[],
  asked: string,
  isHeld: boolean,
): Steady & { show: () => void } {
  const before = useRef<{ places: Place[]; asked: string } | null>(null)
  const [, again] = useState(0)
  const last = before.current
  const steady =
    isHeld && last !== null && last.asked === asked
      ? still(last.places, cards, isWelcome, isSentAway)
      : free(cards)
  useLayoutEffect(() => {
    before.current = { places: steady.places, asked }
  })
  const show = useCallback(() => {
    before.current = null
    again((count) => count + 1)
  }, [])
  return { ...steady, show }
}
