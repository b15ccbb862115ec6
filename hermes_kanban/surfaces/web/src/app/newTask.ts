import { useCallback } from 'react'
import { useSearchParams } from 'wouter'

/** What stands in the address while the form for a new task is open. */
export const NEW_TASK_PARAMS = ['new', 'parent', 'title'] as const

/** Opens the form for a new task; what is given is filled in. */
export function useNewTask(): (given?: {
  status?: string
  parent?: string
  title?: string
}) => void {
  const [, setSearch] = useSearchParams()
  return useCallback(
    (given = {}) => {
      setSearch((before) => {
        const next = new URLSearchParams(before)
        for (const name of NEW_TASK_PARAMS) next.delete(name)
        next.set('new', given.status ?? 'ready')
        if (given.parent !== undefined) next.set('parent', given.parent)
        if (given.title) next.set('title', given.title)
        return next
      })
    },
    [setSearch],
  )
}
