/** What is written of a task that is not made yet; kept in this browser until it is. */

import type { Status } from '../api/types.ts'
import { timeOfField } from '../kit/time.ts'

export interface Draft {
  /** Names the attempt: sent twice, it is one task. */
  key: string
  status: Status
  title: string
  body: string
  question: string
  assignee: string
  priority: number
  tenant: string
  parents: string[]
  skills: string
  model: string
  /** The local date and time of a `datetime-local` field. */
  schedule: string
  workspaceKind: WorkspaceKind
  workspacePath: string
  branch: string
  idempotencyKey: string
}

export type WorkspaceKind = '' | 'scratch' | 'dir' | 'worktree'

export const WORKSPACE_KINDS: readonly { value: WorkspaceKind; label: string }[] = [
  { value: '', label: 'As the board has it' },
  { value: 'scratch', label: 'A folder of its own' },
  { value: 'worktree', label: 'A worktree of a repository' },
  { value: 'dir', label: 'A folder that is there' },
]

/** A draft in which nothing is written. */
export function emptyDraft(key: string): Draft {
  return {
    key,
    status: 'ready',
    title: '',
    body: '',
    question: '',
    assignee: '',
    priority: 0,
    tenant: '',
    parents: [],
    skills: '',
    model: '',
    schedule: '',
    workspaceKind: '',
    workspacePath: '',
    branch: '',
    idempotencyKey: '',
  }
}

/** Whether anything is written that would be missed. */
export function isWritten(draft: Draft): boolean {
  return draft.title.trim() !== '' || draft.body.trim() !== '' || draft.question.trim() !== ''
}

/** What is missing before it can be made, by field. */
export function missing(draft: Draft): Partial<Record<keyof Draft, string>> {
  const found: Partial<Record<keyof Draft, string>> = {}
  if (draft.title.trim() === '') found.title = 'A title is missing.'
  if (draft.status === 'blocked' && draft.question.trim() === '') {
    found.question = 'What it waits for is missing.'
  }
  return found
}

/** The draft in the words of the server. */
export function wantedOf(draft: Draft) {
  const hasPath = draft.workspaceKind === 'dir' || draft.workspaceKind === 'worktree'
  const path = hasPath ? draft.workspacePath.trim() : ''
  const workspace = path === '' ? draft.workspaceKind : `${draft.workspaceKind}:${path}`
  return {
    title: draft.title.trim(),
    status: draft.status,
    question: draft.question.trim(),
    body: orNull(draft.body),
    assignee: orNull(draft.assignee),
    tenant: orNull(draft.tenant),
    priority: draft.priority,
    parents: draft.parents,
    skills: listed(draft.skills),
    model: orNull(draft.model),
    scheduled_at: timeOfField(draft.schedule),
    workspace: draft.workspaceKind === '' ? null : workspace,
    branch: draft.workspaceKind === 'worktree' ? orNull(draft.branch) : null,
    idempotency_key: orNull(draft.idempotencyKey),
  }
}

/** "pytest, redis" as a list. */
export function listed(text: string): string[] {
  return text
    .split(/[,\s]+/)
    .map((one) => one.trim())
    .filter(Boolean)
}

function orNull(text: string): string | null {
  return text.trim() === '' ? null : text.trim()
}

function placeOfDraft(board: string): string {
  return `hermes-kanban.draft.${board}`
}

/** The draft that was left on that board, null where none was. */
export function keptDraft(board: string): Draft | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(placeOfDraft(board)) ?? 'null')
    return kept === null ? null : { ...emptyDraft(''), ...(kept as Draft) }
  } catch {
    return null
  }
}

/** Keeps the draft; null, or one in which nothing is written, is forgotten. */
export function keepDraft(board: string, draft: Draft | null): void {
  try {
    if (draft === null || !isWritten(draft)) localStorage.removeItem(placeOfDraft(board))
    else localStorage.setItem(placeOfDraft(board), JSON.stringify(draft))
  } catch {
    // Storage is off: a draft lasts as long as its form.
  }
}
