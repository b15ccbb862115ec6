/** Moving tasks: the server says where each may go, by which verb, and what must be said with it. */

import type { QueryClient } from '@tanstack/react-query'
import { boardClient, held } from '@/api/client'
import type { Move, Moves, Status } from '@/api/types'
import { sentence, statusName } from '@/kit/sentences'
import { toast, toastProblem } from '@/kit/toasts'
import { serverNow } from '@/live/clock'
import { offlineSentence } from '@/live/connection'
import { askText, type TextQuestion } from './asking'
import { mayStop } from './confirming'
import { openTask } from './opening'
import type { Change } from './pending'
import { bulk, type Step } from './perform'
import type { Told } from './report'
import type { Subjects } from './subject'
import { namesOf, otherTask } from './words'

/** Where each task may go, by id; tasks that are gone are left out. Throws a Problem. */
export async function movesOf(board: string, subjects: Subjects): Promise<Map<string, Moves>> {
  const [only] = subjects
  if (only !== undefined && subjects.length === 1) {
    const path = { task_id: only.id }
    const found = held(await boardClient(board).GET('/tasks/{task_id}/moves', { params: { path } }))
    return new Map([[only.id, found]])
  }
  const items = subjects.map(({ id }) => ({ verb: 'moves', arguments: { task_id: id } }))
  const { results } = await bulk(board, items)
  return new Map(
    results.flatMap(({ answer }) =>
      answer === null ? [] : [[(answer as Moves).id, answer as Moves]],
    ),
  )
}

/** The moves of all of them to one status; those that are there already have none. */
export function movesTo(moves: ReadonlyMap<string, Moves>, to: Status): Move[] {
  return [...moves.values()].flatMap(({ moves: all }) => all.filter((one) => one.to === to))
}

/** Why none of them can go there; null where one can. */
export function whyNone(moves: ReadonlyMap<string, Moves>, to: Status): string | null {
  const all = movesTo(moves, to)
  if (all.some((one) => one.allowed)) return null
  const [first] = all
  return first?.why_not ?? `${moves.size === 1 ? 'it is' : 'they are'} there already`
}

interface Wanted {
  client: QueryClient
  board: string
  subjects: Subjects
  to: Status
  text?: string | undefined
  /** What the server said of their moves before, as while they were dragged. */
  known?: ReadonlyMap<string, Moves> | undefined
  run: (steps: readonly Step[], told: Told) => Promise<boolean>
  told: Told
}

/** Brings tasks to a status; asks for a reason, and before work is stopped. */
export async function moveTo(wanted: Wanted): Promise<boolean> {
  const { client, board, to, told } = wanted
  const subjects = wanted.subjects.filter((one) => one.status !== to)
  if (subjects.length === 0) return true
  const offline = offlineSentence()
  if (offline !== null) {
    toast(`${told.not} ${offline}`, { bad: true })
    return false
  }
  let moves: ReadonlyMap<string, Moves>
  try {
    moves = wanted.known ?? (await movesOf(board, subjects))
  } catch (error) {
    toastProblem(error, told.not)
    return false
  }
  const why = whyNone(moves, to)
  if (why !== null) {
    refuse(board, subjects, told.not, why)
    return false
  }
  const byId = new Map(subjects.map(({ id }) => [id, moveOf(moves, id, to)]))
  const stopped = subjects.filter(({ id }) => byId.get(id)?.allowed && byId.get(id)?.stops_work)
  if (!(await mayStop(client, board, stopped, 'Stop and move'))) return false
  const needing = [...byId.values()].find((one) => one?.allowed && one.needs !== null)
  const text = wanted.text ?? (needing?.needs == null ? null : await askFor(subjects, needing))
  if (text === null && needing?.needs != null) return false
  // What may not go is sent too: the server says of each why.
  const steps = subjects.map(({ id }) => ({
    verb: 'move',
    id,
    arguments: { task_id: id, to, text },
    ...(byId.get(id)?.allowed ? { change: changeTo(to, text) } : {}),
  }))
  return wanted.run(steps, told)
}

/** Says why a task stays, with a way to what stands in its way. */
export function refuse(board: string, subjects: Subjects, not: string, why: string): void {
  const other = otherTask(
    why,
    subjects.map((one) => one.id),
  )
  toast(`${not} ${sentence(why)}`, {
    bad: true,
    action:
      other === null ? undefined : { label: `Open ${other}`, act: () => openTask(board, other) },
  })
}

function moveOf(moves: ReadonlyMap<string, Moves>, id: string, to: Status): Move | undefined {
  return moves.get(id)?.moves.find((one) => one.to === to)
}

function changeTo(to: Status, text: string | null): Change {
  return {
    status: to,
    since: serverNow(),
    live: null,
    ...(to === 'done' ? { completed_at: serverNow() } : {}),
    ...(to === 'blocked'
      ? { block_kind: 'needs_input', block_reason: text }
      : { block_kind: null, block_reason: null }),
  }
}

const QUESTIONS: Record<NonNullable<Move['needs']>, Omit<TextQuestion, 'kind' | 'title'>> = {
  reason: { label: 'What is missing?', submit: 'Block', required: true },
  comment: { label: 'What must change?', submit: 'Request changes', required: true },
}

async function askFor(subjects: Subjects, move: Move): Promise<string | null> {
  if (move.needs === null) return null
  const title = `Move ${namesOf(subjects)} to ${statusName(move.to)}`
  return (await askText({ title, ...QUESTIONS[move.needs] }))?.text ?? null
}
