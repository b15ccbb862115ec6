/** What happened, in a sentence each. */

import type { Event } from '@/api/types'
import { plainName } from '@/kit/Avatar'

type Payload = Record<string, unknown>
type Say = (by: string, told: Payload) => string

function text(told: Payload, name: string): string {
  const found = told[name]
  return typeof found === 'string' ? found : ''
}

function part(told: Payload, name: string): Payload {
  const found = told[name]
  return typeof found === 'object' && found !== null ? (found as Payload) : {}
}

function after(told: Payload, name = 'reason'): string {
  const said = oneLine(text(told, name))
  return said === '' ? '' : `: ${said}`
}

/** The first line of a text, cut at 200 characters. */
export function oneLine(said: string): string {
  const line = said.trim().split('\n')[0] ?? ''
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}

function error(told: Payload): string {
  const said = oneLine(text(part(told, 'run'), 'error'))
  return said === '' ? '' : `: ${said}`
}

function link(told: Payload): string {
  const found = part(told, 'link')
  return `${text(found, 'child_id')} waits for ${text(found, 'parent_id')}`
}

const SENTENCES: Record<string, Say> = {
  created: (by) => `${by} filed this`,
  accepted: (by) => `${by} accepted it`,
  triaged: (by, told) => `${by} moved it to triage${after(told)}`,
  promoted: () => 'No parent holds it back any more: ready',
  demoted: () => 'A parent is open again: back to todo',
  edited: (by) => `${by} edited it`,
  prioritised: (by) => `${by} set the priority`,
  scheduled: (by) => `${by} changed when it may start`,
  commented: (by) => `${by} commented`,
  linked: (by, told) => `${by} linked: ${link(told)}`,
  unlinked: (by, told) => `${by} unlinked: ${link(told)} no longer`,
  released: (by, told) => `${by} released it from ${text(part(told, 'link'), 'parent_id')}`,
  attached: (by, told) => `${by} attached ${text(part(told, 'attachment'), 'name')}`,
  assigned: (by, told) => {
    const to = part(told, 'task').assignee
    return typeof to === 'string' ? `${by} assigned it to ${to}` : `${by} took its assignee away`
  },
  claimed: (by, told) => `${text(part(told, 'run'), 'profile') || by} started run ${runOf(told)}`,
  spawned: (_, told) => `Its process is ${String(part(told, 'run').worker_pid ?? 'started')}`,
  exited: (_, told) => `Its process ended with code ${String(part(told, 'run').exit_code ?? '?')}`,
  stop_requested: (by, told) => `${by} asked its worker to stop${after(told)}`,
  completed: (by, told) =>
    told.from_run_id === undefined
      ? `${by} finished it`
      : `${by} took the late result of run ${String(told.from_run_id)} over`,
  adopted: (by, told) => `${by} took the late result of run ${String(told.from_run_id)} over`,
  dismissed: (by, told) => `${by} put the late result of run ${String(told.from_run_id)} aside`,
  fenced: (_, told) => `Run ${runOf(told)} came too late: its ${text(told, 'verb')} was refused`,
  blocked: (by, told) => `${by} blocked it${after(told)}`,
  unblocked: (by, told) => `${by} unblocked it${after(told)}`,
  review_requested: (by, told) =>
    `${by} handed it in for review${after(part(told, 'run'), 'summary')}`,
  approved: (by, told) => `${by} approved it${after(told, 'comment')}`,
  changes_requested: (by, told) => `${by} asked for changes${after(told, 'comment')}`,
  waiting: (by) => `${by} waits for its subtasks`,
  crashed: (_, told) => `It crashed${error(told)}`,
  timed_out: (_, told) => `It ran into its time limit${error(told)}`,
  spawn_failed: (_, told) => `Its worker could not be started${error(told)}`,
  protocol_violation: (_, told) => `Its worker ended without saying how${error(told)}`,
  rate_limited: (_, told) => `Its provider let it wait${error(told)}`,
  reclaimed: (by, told) => `${by} took it from its worker${after(told)}`,
  gave_up: (_, told) => `The board gave up${after(told)}`,
  cancelled: (by, told) => `${by} cancelled it${after(told)}`,
  archived: (by) => `${by} archived it`,
  reopened: (by, told) => `${by} reopened it${after(told)}`,
  parent_reopened: (_, told) => `A parent was reopened${after(told)}`,
  warned: (_, told) => `Warning${after(told)}`,
  undone: (by, told) =>
    `${by} took back: ${text(part(told, 'undid'), 'verb') || 'the last change'}`,
  mended: (by) => `${by} mended it`,
}

function runOf(told: Payload): string {
  return String(part(told, 'run').id ?? told.run_id ?? '')
}

/** Who did it, as people say it: of an agent's run its profile. */
export function actorName(event: Event, profiles: ReadonlyMap<number, string>): string {
  const ofRun = event.run_id === null ? undefined : profiles.get(event.run_id)
  if (ofRun !== undefined && !event.actor.startsWith('system')) return ofRun
  return event.actor === 'system' ? 'The board' : plainName(event.actor)
}

/** The event as a sentence without its full stop; a kind without one says its own name. */
export function sentenceOfEvent(event: Event, by: string): string {
  const say = SENTENCES[event.kind]
  return say === undefined
    ? `${by}: ${event.kind.replaceAll('_', ' ')}`
    : say(by, { run_id: event.run_id, ...(event.payload as Payload) })
}

/** Those that stand in the thread: what people and agents did, not how machines went about it. */
const NOTABLE = new Set([
  ...['accepted', 'triaged', 'assigned', 'completed', 'adopted', 'dismissed', 'fenced', 'blocked'],
  ...['unblocked', 'review_requested', 'approved', 'changes_requested', 'waiting', 'crashed'],
  ...['timed_out', 'spawn_failed', 'protocol_violation', 'rate_limited', 'reclaimed', 'gave_up'],
  ...['cancelled', 'archived', 'reopened', 'parent_reopened', 'warned', 'undone', 'created'],
])

/** Whether the thread tells it. */
export function isNotable(event: Event): boolean {
  return NOTABLE.has(event.kind)
}
