import { CircleCheck, CircleDashed, CirclePause, TriangleAlert } from 'lucide-react'
import type { HostStanding } from './hostWords'

const ICONS = {
  Live: CircleCheck,
  Draining: CirclePause,
  Lost: TriangleAlert,
  Left: CircleDashed,
} as const satisfies Record<HostStanding['word'], unknown>

/** The shape of a host's word. */
export function HostIcon({ word }: { word: HostStanding['word'] }) {
  const Icon = ICONS[word]
  return <Icon className="i" aria-hidden="true" />
}
