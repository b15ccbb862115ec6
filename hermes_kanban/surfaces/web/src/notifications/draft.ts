/** A subscription that is being written, and what is asked of the server for it. */

export type Scope = 'task' | 'tree' | 'board'
export type What = 'attention' | 'all' | 'some'
export type Mode = 'notify' | 'wake' | 'notify_and_wake'

export interface Draft {
  scope: Scope
  task: string
  what: What
  kinds: readonly string[]
  /** Names with commas between them. */
  assignees: string
  tenants: string
  /** A destination, or the beginning of one that `address` ends. */
  place: string
  address: string
  mode: Mode
  wake: string
  digestSeconds: number
  quiet: boolean
  from: string
  to: string
  zone: string
}

/** The body of `subscribe`. */
export interface Asked {
  destination: string | null
  task_id: string | null
  tree: boolean
  kinds: string[]
  assignees: string[]
  tenants: string[]
  tasks: string[]
  wake: string | null
  digest_seconds: number | null
  quiet: string | null
  zone: string
}

/** Kinds of events that one may want to hear of, in the order of their weight. */
export const KINDS = [
  ...['blocked', 'review_requested', 'gave_up', 'triaged', 'fenced'],
  ...['completed', 'approved', 'cancelled', 'archived'],
  ...['created', 'assigned', 'claimed', 'commented', 'attached', 'edited', 'linked'],
  ...['unblocked', 'changes_requested', 'reopened', 'crashed', 'timed_out', 'rate_limited'],
  ...['reclaimed', 'warned', 'paused', 'resumed'],
  ...['host_lost', 'host_drained', 'host_resumed', 'host_joined', 'host_left'],
] as const

export const DIGESTS: readonly { seconds: number; label: string }[] = [
  { seconds: 0, label: 'Each at once' },
  { seconds: 300, label: 'One message for 5 min' },
  { seconds: 900, label: 'One message for 15 min' },
  { seconds: 3_600, label: 'One message for an hour' },
  { seconds: 14_400, label: 'One message for 4 hours' },
  { seconds: 86_400, label: 'One message a day' },
]

/** What the form begins with: about a task if one is named, else about the board. */
export function emptyDraft(task: string, zone: string): Draft {
  return {
    scope: task === '' ? 'board' : 'task',
    task,
    what: 'attention',
    kinds: [],
    assignees: '',
    tenants: '',
    place: '',
    address: '',
    mode: 'notify',
    wake: '',
    digestSeconds: 0,
    quiet: false,
    from: '22:00',
    to: '07:00',
    zone,
  }
}

export function askedOf(draft: Draft): Asked {
  const { scope, mode } = draft
  return {
    destination: mode === 'wake' ? null : draft.place + draft.address.trim(),
    task_id: scope === 'board' ? null : draft.task.trim(),
    tree: scope === 'tree',
    kinds: draft.what === 'some' ? [...draft.kinds] : [draft.what],
    assignees: scope === 'task' ? [] : namesIn(draft.assignees),
    tenants: scope === 'task' ? [] : namesIn(draft.tenants),
    tasks: [],
    wake: mode === 'notify' ? null : draft.wake,
    digest_seconds: draft.digestSeconds === 0 ? null : draft.digestSeconds,
    quiet: draft.quiet ? `${draft.from}-${draft.to}` : null,
    zone: draft.quiet ? draft.zone.trim() : 'UTC',
  }
}

/** What is not chosen yet, without which there is nothing to ask; null where all is there. */
export function lacking(draft: Draft): string | null {
  if (draft.scope !== 'board' && draft.task.trim() === '') return 'Name the task.'
  if (draft.what === 'some' && draft.kinds.length === 0) return 'Choose what happens.'
  if (draft.mode !== 'wake' && draft.place === '') return 'Choose where it goes.'
  if (draft.mode !== 'wake' && draft.place.endsWith(':') && draft.address.trim() === '') {
    return 'Write where it goes.'
  }
  if (draft.mode !== 'notify' && draft.wake === '') return 'Choose whom it wakes.'
  return null
}

function namesIn(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)
}
