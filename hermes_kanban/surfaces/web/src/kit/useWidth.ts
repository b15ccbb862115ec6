import { type RefObject, useLayoutEffect, useState } from 'react'

/** How many pixels an element is wide inside; 0 before it is there. */
export function useWidth(of: RefObject<Element | null>): number {
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    if (of.current === null) return
    setWidth(of.current.clientWidth)
    const watched = new ResizeObserver(([entry]) => {
      if (entry !== undefined) setWidth(entry.contentRect.width)
    })
    watched.observe(of.current)
    return () => watched.disconnect()
  }, [of])
  return width
}
