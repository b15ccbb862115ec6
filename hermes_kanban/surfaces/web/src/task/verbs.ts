/** The verbs of a task as people read them, for its bar and its menu. */

import type { Actions } from '@/actions/actions'
import type { Menus } from '@/actions/menus'
import type { Task } from '@/api/types'
import type { KeyId } from '@/keys/table'

export interface Verb {
  name: string
  label: string
  key?: KeyId
  act: (task: Task, actions: Actions, menus: Menus) => unknown
}

const VERBS: readonly Verb[] = [
  { name: 'accept', label: 'Accept', act: (task, { accept }) => accept([task]) },
  { name: 'approve', label: 'Approve', act: (task, { approve }) => approve([task]) },
  {
    name: 'request_changes',
    label: 'Request changes…',
    act: (task, { requestChanges }) => requestChanges([task]),
  },
  {
    name: 'unblock',
    label: 'Unblock…',
    key: 'unblock',
    act: (task, _, { unblock }) => unblock([task]),
  },
  { name: 'promote', label: 'Make ready', act: (task, { promote }) => promote([task]) },
  { name: 'reopen', label: 'Reopen', act: (task, { reopen }) => reopen([task]) },
  {
    name: 'reclaim',
    label: 'Reclaim…',
    key: 'reclaim',
    act: (task, _, { reclaim }) => reclaim([task]),
  },
  { name: 'block', label: 'Block…', key: 'block', act: (task, _, { block }) => block([task]) },
  { name: 'complete', label: 'Mark done', act: (task, { move }) => move([task], 'done') },
  {
    name: 'assign',
    label: 'Assign…',
    key: 'assign',
    act: (task, _, { assign }) => assign([task]),
  },
  {
    name: 'prioritise',
    label: 'Priority…',
    key: 'priority',
    act: (task, _, { priority }) => priority([task]),
  },
  { name: 'triage', label: 'Put in triage', act: (task, { triage }) => triage([task]) },
  { name: 'cancel', label: 'Give up…', act: (task, { cancel }) => cancel([task]) },
  {
    name: 'archive',
    label: 'Archive',
    key: 'archive',
    act: (task, _, { archive }) => archive([task]),
  },
]

/** Those that are legal now, in the order of what a person wants most. */
export function verbsOf(legal: readonly string[]): Verb[] {
  return VERBS.filter((verb) => legal.includes(verb.name))
}

// What stands in the bar; everything else is in the menu.
const FIRST: Record<string, string> = {
  triage: 'accept',
  running: 'reclaim',
  review: 'approve',
  blocked: 'unblock',
  done: 'reopen',
  archived: 'reopen',
  ready: 'block',
  todo: 'block',
}

/** The verb that its status asks for first. */
export function firstVerb(status: string, legal: readonly string[]): Verb | undefined {
  return verbsOf(legal).find((verb) => verb.name === FIRST[status])
}
