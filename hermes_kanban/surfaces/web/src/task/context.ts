/** What everything on a task's page needs to know of where it is shown. */

import { createContext, useContext } from 'react'
import type { Card, Run, TaskDetail } from '@/api/types'
import type { Uploads } from './useUploads'

export interface TaskPlace {
  id: string
  inDrawer: boolean
  detail: TaskDetail
  /** Its card, with the live line; undefined until it was read. */
  card: Card | undefined
  /** Profiles of its runs, by run: who spoke as whom. */
  profiles: ReadonlyMap<number, string>
  /** The run whose output is shown; null where there was none. */
  shownRun: Run | null
  showRun: (runId: number | null) => void
  uploads: Uploads
  /** Verbs that are legal for it now. */
  verbs: readonly string[]
  /** Whether this verb is. */
  may: (verb: string) => boolean
}

export const TaskContext = createContext<TaskPlace | null>(null)

/** The task that is shown, and where. */
export function useTask(): TaskPlace {
  const found = useContext(TaskContext)
  if (found === null) throw new Error('no task is around this')
  return found
}
