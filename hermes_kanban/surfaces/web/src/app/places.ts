/** The addresses of the page. */

import { useCallback } from 'react'
import { useLocation, useSearchParams } from 'wouter'

export const VIEWS = [
  'board',
  'inbox',
  'graph',
  'timeline',
  'metrics',
  'health',
  'profiles',
  'notifications',
  'settings',
  'past',
] as const
export type View = (typeof VIEWS)[number]

/** The address of a view of a board; the board itself is the bare one. */
export function placeOf(board: string, view: View = 'board'): string {
  return view === 'board' ? `/b/${board}` : `/b/${board}/${view}`
}

/** The address of a task's own page. */
export function taskPlace(board: string, id: string): string {
  return `/b/${board}/t/${id}`
}

/** A part of a task's page that it can be opened at. */
export type Part = 'diff' | 'log' | 'runs'

/**
 * Opens a task in the drawer over what is shown (null closes it), at a part of it and with one of
 * its runs if these are named.
 */
export function useOpenTask(): (id: string | null, part?: Part, runId?: number | null) => void {
  const [, setSearch] = useSearchParams()
  return useCallback(
    (id, part, runId) => {
      setSearch((before) => {
        const next = new URLSearchParams(before)
        next.delete('part')
        next.delete('run')
        if (id === null) next.delete('task')
        else next.set('task', id)
        if (part !== undefined) next.set('part', part)
        if (runId != null && part !== undefined) next.set('run', String(runId))
        return next
      })
    },
    [setSearch],
  )
}

/** The task that is open in the drawer, null where none is. */
export function useOpenedTask(): string | null {
  const [search] = useSearchParams()
  return search.get('task')
}

/** Goes to an address, keeping what is under the back button. */
export function useGo(): (place: string) => void {
  const [, navigate] = useLocation()
  return navigate
}
