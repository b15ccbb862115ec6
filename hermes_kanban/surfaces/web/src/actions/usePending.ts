import { useSyncExternalStore } from 'react'
import { useBoard } from '@/app/board'
import { type Pending, pendingOf, watchPending } from './pending'

/**
 * What was changed on a task here and is not confirmed yet; undefined where nothing is. Lists of
 * cards have it in them already: a card needs `slow` only, for its ring.
 */
export function usePending(id: string): Pending | undefined {
  const { slug } = useBoard()
  return useSyncExternalStore(watchPending, () => pendingOf(slug, id))
}

/** The task with what is pending over it, for whoever reads it by `show`. */
export function useWithPending<T extends { id: string }>(task: T): T {
  const pending = usePending(task.id)
  return pending === undefined ? task : { ...task, ...pending.change }
}
