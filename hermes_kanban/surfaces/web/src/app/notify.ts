import { useCallback } from 'react'
import { useSearchParams } from 'wouter'

/** What stands in the address while the form for a subscription is open: a task, or nothing. */
export const NOTIFY_PARAM = 'notify'

/** Opens the form for a new subscription, to a task if one is named. */
export function useNotify(): (task?: string) => void {
  const [, setSearch] = useSearchParams()
  return useCallback(
    (task = '') => {
      setSearch((before) => {
        const next = new URLSearchParams(before)
        next.set(NOTIFY_PARAM, task)
        return next
      })
    },
    [setSearch],
  )
}
