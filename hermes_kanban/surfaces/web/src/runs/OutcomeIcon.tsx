import { Clock, CornerDownRight, TriangleAlert, X } from 'lucide-react'
import { StatusIcon } from '@/kit/StatusIcon'
import { COLOUR, lookOf } from './outcomes'

/** The shape of how a run ended; a failure is a triangle. */
export function OutcomeIcon({ outcome }: { outcome: string | null }) {
  const look = lookOf(outcome)
  const classes = `i st ${COLOUR[look]}`
  switch (look) {
    case 'running':
    case 'done':
    case 'review':
    case 'blocked':
      return <StatusIcon status={look} />
    case 'failed':
      return <TriangleAlert className={classes} aria-hidden="true" />
    case 'waiting':
      return <CornerDownRight className={classes} aria-hidden="true" />
    case 'put-off':
      return <Clock className={classes} aria-hidden="true" />
    case 'stopped':
      return <X className={classes} aria-hidden="true" />
  }
}
