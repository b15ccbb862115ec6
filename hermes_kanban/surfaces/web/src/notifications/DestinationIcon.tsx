import {
  AlarmClock,
  AtSign,
  Bell,
  Gamepad2,
  Hash,
  Megaphone,
  Monitor,
  ScrollText,
  Send,
  SquareTerminal,
  Webhook,
} from 'lucide-react'
import { type Scheme, schemeOf } from './words'

const ICONS: Record<Exclude<Scheme, 'matrix'>, typeof Bell> = {
  telegram: Send,
  slack: Hash,
  discord: Gamepad2,
  webhook: Webhook,
  email: AtSign,
  apprise: Megaphone,
  desktop: Monitor,
  log: ScrollText,
  command: SquareTerminal,
  wake: AlarmClock,
}

/** The kind of a destination as a shape; its name stands beside it. */
export function DestinationIcon({ destination }: { destination: string }) {
  const scheme = schemeOf(destination)
  if (scheme === 'matrix') return <Brackets />
  const Icon = scheme === null ? Bell : ICONS[scheme]
  return <Icon className="i" aria-hidden="true" />
}

function Brackets() {
  return (
    <svg className="i" viewBox="0 0 24 24" fill="none" stroke="currentColor" aria-hidden="true">
      <path
        d="M6 3H3v18h3M18 3h3v18h-3M8 16v-6m0 2.5a2 2 0 0 1 4 0V16m0-3.500a2 2 0 0 1 4 0V16"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  )
}
