import { useCallback, useSyncExternalStore } from 'react'

/** Where one column is shown at a time. */
export const NARROW = '(max-width: 720px)'
/** Where a drawing has no room. */
export const NARROWER = '(max-width: 600px)'
/** Where nothing is to move by itself. */
export const CALM = '(prefers-reduced-motion: reduce)'
/** Where fingers press. */
export const COARSE = '(pointer: coarse)'

/** Whether a media query holds now. */
export function isMedia(query: string): boolean {
  return matchMedia(query).matches
}

/** Whether a media query holds, as it changes. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const asked = matchMedia(query)
      asked.addEventListener('change', listener)
      return () => asked.removeEventListener('change', listener)
    },
    [query],
  )
  return useSyncExternalStore(subscribe, () => isMedia(query))
}
