import { type RefObject, useEffect, useState } from 'react'

const MARGIN = '600px'

/** Whether an element has come near to what is in sight; it stays so. */
export function useIsNear(element: RefObject<HTMLElement | null>): boolean {
  const [isNear, setNear] = useState(false)
  useEffect(() => {
    const found = element.current
    if (found === null || isNear) return
    const observer = new IntersectionObserver(
      (entries) => entries.some((one) => one.isIntersecting) && setNear(true),
      { rootMargin: MARGIN },
    )
    observer.observe(found)
    return () => observer.disconnect()
  }, [element, isNear])
  return isNear
}
