import { type RefObject, useEffect, useRef, useState } from 'react'

const BEGINS = 5

/**
 * How many pixels the mouse has dragged what is in `area` so far; `onEnd` is told when it lets go.
 * Touch scrolls as everywhere.
 */
export function useDrag(
  area: RefObject<HTMLElement | null>,
  onEnd: (pixels: number) => void,
): number {
  const [shift, setShift] = useState(0)
  const ended = useRef(onEnd)
  ended.current = onEnd
  useEffect(() => {
    const element = area.current
    if (element === null) return
    let from: number | null = null
    let dragged = false
    const off = new AbortController()
    const { signal } = off
    const down = (event: PointerEvent) => {
      if (event.pointerType !== 'mouse' || event.button !== 0) return
      from = event.clientX
      dragged = false
    }
    const move = (event: PointerEvent) => {
      if (from === null) return
      const by = event.clientX - from
      if (!dragged && Math.abs(by) < BEGINS) return
      if (!dragged) element.setPointerCapture(event.pointerId)
      dragged = true
      setShift(by)
    }
    const up = (event: PointerEvent) => {
      if (from !== null && dragged) ended.current(event.clientX - from)
      from = null
      setShift(0)
    }
    const cancel = () => {
      from = null
      setShift(0)
    }
    const click = (event: MouseEvent) => {
      if (!dragged) return
      event.preventDefault()
      event.stopPropagation()
      dragged = false
    }
    element.addEventListener('pointerdown', down, { signal })
    element.addEventListener('pointermove', move, { signal })
    element.addEventListener('pointerup', up, { signal })
    element.addEventListener('pointercancel', cancel, { signal })
    element.addEventListener('click', click, { signal, capture: true })
    return () => off.abort()
  }, [area])
  return shift
}
