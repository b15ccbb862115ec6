/** In words: what the graph waits for. */

import type { Node } from '@/api/types'
import { clockTime, duration } from '../kit/time.ts'
import { isOpen } from './critical.ts'

/** Text, and ids of tasks to link. */
export type Part = string | { id: string }

/** "2 h 10 min", "40 min", "1 d 3 h": about how long something will take. */
export function about(seconds: number): string {
  const minutes = Math.max(1, Math.round(seconds / 60))
  // Nobody knows it to the minute.
  const round = minutes < 60 || minutes >= 1_440 ? minutes : Math.round(minutes / 10) * 10
  return duration(round * 60)
}

/** "3 tasks to go, about 2 h 10 min." */
export function toGo(nodes: readonly Node[], chain: number, seconds: number | null): string {
  if (!nodes.some(isOpen)) {
    return nodes.length === 1 ? 'This task is done.' : `All ${nodes.length} tasks are done.`
  }
  const tasks = chain === 1 ? '1 task to go' : `${chain} tasks to go, one after the other`
  return seconds === null ? `${tasks}.` : `${tasks}, about ${about(seconds)}.`
}

/** What the next task of the longest chain waits for; it names who does what since when. */
export function waitsFor(node: Node, since: number | undefined, now: number): Part[] {
  const who = node.assignee ?? 'nobody'
  const [before, after] = clause(node, who, since, now)
  return [before, { id: node.id }, after]
}

function clause(node: Node, who: string, since: number | undefined, now: number): [string, string] {
  switch (node.status) {
    case 'running':
      return [
        'Waits for ',
        since === undefined
          ? `, which ${who} runs.`
          : `, which ${who} runs since ${clockTime(since, now)}.`,
      ]
    case 'ready':
      return node.assignee === null
        ? ['Waits for ', ', which is ready and assigned to nobody.']
        : ['Waits for ', `, which is ready for ${who}.`]
    case 'review':
      return ['Waits for a person to review ', '.']
    case 'blocked':
      return blocked(node)
    case 'triage':
      return ['Waits for a person to accept ', '.']
    default:
      return ['Waits for ', ', which is not ready yet.']
  }
}

function blocked(node: Node): [string, string] {
  switch (node.block_kind) {
    case 'needs_input':
      return ['Waits for an answer to ', '.']
    case 'capability':
      return ['Waits for what ', ' lacks.']
    case 'transient':
      return ['Waits for ', ', which the board tries again.']
    case 'dependency':
      return ['Waits for ', ', whose parent was not done.']
    default:
      return ['Waits for ', ', which is blocked.']
  }
}

const NAMED = 3

/** Who else waits for a person, if anybody does. */
export function needsYou(nodes: readonly Node[], next: string | undefined): Part[] {
  const waiting = nodes.filter(
    (node) =>
      node.id !== next &&
      (node.status === 'review' ||
        node.status === 'triage' ||
        (node.status === 'blocked' && node.block_kind !== 'transient')),
  )
  if (waiting.length === 0) return []
  const [first, ...rest] = waiting.slice(0, NAMED)
  const more = waiting.length - NAMED
  return [
    waiting.length === 1 ? 'One more needs you: ' : `${waiting.length} more need you: `,
    ...(first === undefined ? [] : [{ id: first.id }]),
    ...rest.flatMap((node): Part[] => [', ', { id: node.id }]),
    more > 0 ? ` and ${more} more.` : '.',
  ]
}
