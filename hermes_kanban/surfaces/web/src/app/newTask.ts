import { useCallback } from 'react'
import { useSearchParams } from 'wouter'

/** Opens the form for a new task; what is given is filled in. */
export function useNewTask(): (given?: { status?: string; parent?: string }) => void {
  const [, setSearch] = useSearchParams()
  return useCallback(
    (given = {}) => {
      setSearch((before) => {
        const next = new URLSearchParams(before)
        next.set('new', given.status ?? 'ready')
        if (given.parent !== undefined) next.set('parent', given.parent)
        return next
      })
    },
    [setSearch],
  )
}
