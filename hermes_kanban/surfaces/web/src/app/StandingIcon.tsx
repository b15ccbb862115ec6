import { CircleDashed, TriangleAlert } from 'lucide-react'
import { StatusIcon } from '@/kit/StatusIcon'
import type { Standing } from './standing'

/** The shape of a gateway's word. */
export function StandingIcon({ word }: { word: Standing['word'] }) {
  switch (word) {
    case 'Gateway':
      return <StatusIcon status="done" />
    case 'No gateway':
      return <StatusIcon status="blocked" />
    case 'Standby':
      return <CircleDashed className="i st" aria-hidden="true" />
    case 'Degraded':
      return <TriangleAlert className="i st" aria-hidden="true" />
  }
}
