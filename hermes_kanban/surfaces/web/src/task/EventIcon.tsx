import {
  Archive,
  CircleCheck,
  CirclePlus,
  Dot,
  Eye,
  GitFork,
  MessageCircleReply,
  OctagonMinus,
  RotateCcw,
  TriangleAlert,
  UserRound,
} from 'lucide-react'

const ICONS: Record<string, typeof Dot> = {
  created: CirclePlus,
  assigned: UserRound,
  blocked: OctagonMinus,
  unblocked: MessageCircleReply,
  completed: CircleCheck,
  adopted: CircleCheck,
  approved: CircleCheck,
  review_requested: Eye,
  changes_requested: RotateCcw,
  reopened: RotateCcw,
  undone: RotateCcw,
  reclaimed: RotateCcw,
  waiting: GitFork,
  archived: Archive,
  cancelled: Archive,
}
const FAILURES = new Set([
  ...['crashed', 'timed_out', 'spawn_failed', 'protocol_violation', 'rate_limited', 'gave_up'],
  ...['fenced', 'warned'],
])

/** A shape for what happened; the sentence beside it says it. */
export function EventIcon({ kind }: { kind: string }) {
  const Icon = FAILURES.has(kind) ? TriangleAlert : (ICONS[kind] ?? Dot)
  return <Icon className="i" aria-hidden="true" />
}
