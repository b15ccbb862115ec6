import type { ReactNode } from 'react'
import { usePending } from './usePending'

/** In place of an age: a thin ring while a change of the task waits long for the server. */
export function PendingRing({ id, children }: { id: string; children: ReactNode }) {
  const slow = usePending(id)?.slow === true
  if (!slow) return children
  return <span className="pending-ring" role="img" aria-label="Not confirmed yet" />
}
