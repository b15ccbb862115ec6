/** What people answered, read from events: what was asked, what was said, by whom, and when. */

import type { Event } from '../api/types.ts'

export interface AnsweredItem {
  /** The event's id. */
  id: number
  taskId: string
  at: number
  /** `person:mara`. */
  by: string
  /** "answered", "approved". */
  did: string
  /** The answer in words; null where the verb says all. */
  said: string | null
  /** What was asked; null where it lies before what was read. */
  asked: string | null
}

const DID: Record<string, string> = {
  unblocked: 'unblocked',
  approved: 'approved',
  changes_requested: 'requested changes',
  adopted: 'adopted the late result',
  completed: 'adopted the late result',
  dismissed: 'dismissed the late result',
}

/** The answers among events in their order, the newest first. */
export function answersAmong(events: readonly Event[]): AnsweredItem[] {
  const asked = new Map<string, string>()
  const found: AnsweredItem[] = []
  for (const event of events) {
    const { task_id: taskId, kind } = event
    if (taskId === null) continue
    const question = questionIn(event)
    if (question !== null) asked.set(questionKey(event, taskId), question)
    if (!event.actor.startsWith('person:') || !isAnswer(event)) continue
    const said = textOf(event, 'reason') ?? textOf(event, 'comment')
    found.push({
      id: event.id,
      taskId,
      at: event.created_at,
      by: event.actor,
      did: kind === 'unblocked' && said !== null ? 'answered' : (DID[kind] ?? kind),
      said,
      asked: asked.get(questionKey(event, taskId)) ?? null,
    })
  }
  return found.reverse()
}

function isAnswer(event: Event): boolean {
  // A completion answers where it takes a late result over; else it is work.
  if (event.kind === 'completed') return partOf(event, '')?.from_run_id !== undefined
  return event.kind in DID
}

/** Late results are answered run by run, everything else task by task. */
function questionKey(event: Event, taskId: string): string {
  const run = event.kind === 'fenced' ? event.run_id : partOf(event, '')?.from_run_id
  return run == null ? taskId : `${taskId} ${run}`
}

function questionIn(event: Event): string | null {
  const status = partOf(event, 'task')?.status
  if (status === 'blocked') {
    return textOf(event, 'reason') ?? text(partOf(event, 'task')?.block_reason)
  }
  if (status === 'review') return text(partOf(event, 'run')?.summary)
  if (event.kind === 'fenced') return textOf(event, 'summary')
  return null
}

function textOf(event: Event, name: string): string | null {
  return text(partOf(event, '')?.[name])
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null
}

/** A part of the payload; '' is all of it. */
function partOf(event: Event, name: string): Record<string, unknown> | undefined {
  const payload: Record<string, unknown> = event.payload
  const part = name === '' ? payload : payload[name]
  return typeof part === 'object' && part !== null ? (part as Record<string, unknown>) : undefined
}
