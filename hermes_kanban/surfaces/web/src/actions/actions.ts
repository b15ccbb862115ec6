/** Every verb that the page has: asked for what it needs, shown at once, told of when it is done. */

import type { QueryClient } from '@tanstack/react-query'
import type { Host, Moves, Status } from '@/api/types'
import { plainName } from '@/kit/Avatar'
import { copy } from '@/kit/clipboard'
import { statusName } from '@/kit/sentences'
import { serverNow } from '@/live/clock'
import { askText } from './asking'
import { doerOn } from './doing'
import { movesOf, moveTo } from './moving'
import { linkOf } from './opening'
import type { Change } from './pending'
import { priorityWord } from './priorities'
import type { Told } from './report'
import type { Subject, Subjects } from './subject'
import { namesOf } from './words'

export type BlockKind = 'needs_input' | 'capability' | 'transient' | 'dependency'

/** What `edit` may change; only what is named. */
export interface Edits {
  title?: string
  body?: string | null
  tenant?: string | null
  skills?: string[]
  model?: string | null
  provider?: string | null
  resume?: boolean | null
  branch?: string | null
  max_runtime_seconds?: number | null
  max_retries?: number | null
}

/** A host, as far as draining it needs to know. */
export type HostName = Pick<Host, 'host_id' | 'name'>

export type Actions = ReturnType<typeof actionsOn>

/**
 * The verbs on one board. Each answers whether all of it was done: false where the server refused
 * (which was told) or the person took it back.
 */
export function actionsOn(client: QueryClient, board: string) {
  const { run, each, eachStopping, undo } = doerOn(client, board)

  return {
    /** Where each of the tasks may go. */
    movesOf: (subjects: Subjects) => movesOf(board, subjects),

    /** To another status, by the verb that does that; asks for what that verb needs. */
    move(
      subjects: Subjects,
      to: Status,
      given: { text?: string; known?: ReadonlyMap<string, Moves> } = {},
    ): Promise<boolean> {
      const told: Told = { past: `moved to ${statusName(to)}`, not: 'Not moved.', warns: true }
      return moveTo({ client, board, subjects, to, ...given, run, told })
    },

    /** To a profile; null is nobody. */
    assign: (subjects: Subjects, assignee: string | null) =>
      eachStopping(
        subjects,
        'assign',
        {
          past: `assigned to ${assignee === null ? 'nobody' : plainName(assignee)}`,
          not: 'Not assigned.',
          warns: true,
          submit: 'Stop and assign',
        },
        { assignee },
        { assignee },
      ),

    prioritise: (subjects: Subjects, priority: number) =>
      each(
        subjects,
        'prioritise',
        { past: `set to priority ${priorityWord(priority)}`, not: 'Priority not changed.' },
        { priority },
        { priority },
      ),

    /** Until something is there; `retryIn` (seconds) is for what only needs time. */
    block: (
      subjects: Subjects,
      reason: string,
      kind: BlockKind = 'needs_input',
      retryIn?: number,
    ) =>
      eachStopping(
        subjects,
        'block',
        { past: 'blocked', not: 'Not blocked.', submit: 'Stop and block' },
        { reason, kind, ...(retryIn === undefined ? {} : { retry_in_seconds: retryIn }) },
        { status: 'blocked', block_kind: kind, block_reason: reason, live: null },
      ),

    /** With the answer to what it was blocked for. */
    unblock: (subjects: Subjects, answer = '', whenDone?: () => void) =>
      each(
        subjects,
        'unblock',
        { past: 'unblocked', not: 'Not unblocked.', warns: true, whenDone },
        answer === '' ? {} : { reason: answer },
        { status: 'ready', block_kind: null, block_reason: null },
      ),

    comment: (subjects: Subjects, body: string, whenDone?: () => void) =>
      each(
        subjects,
        'comment',
        { past: 'commented', not: 'Comment not sent.', whenDone },
        { body },
      ),

    approve: (subjects: Subjects, comment = '') =>
      each(
        subjects,
        'approve',
        { past: 'approved', not: 'Not approved.' },
        comment === '' ? {} : { comment },
        { status: 'done', completed_at: serverNow() },
      ),

    /** Asks what must change where that is not given. */
    async requestChanges(subjects: Subjects, comment?: string, resume?: boolean) {
      const said = comment ?? (await askChanges(subjects))
      if (said === null) return false
      return each(
        subjects,
        'request_changes',
        { past: 'sent back to work', not: 'Not sent back.', warns: true },
        { comment: said, ...(resume === undefined ? {} : { resume }) },
        { status: 'ready' },
      )
    },

    archive: (subjects: Subjects, release?: boolean) =>
      eachStopping(
        subjects,
        'archive',
        { past: 'archived', not: 'Not archived.', submit: 'Stop and archive' },
        release === undefined ? {} : { release },
        { status: 'archived', live: null },
      ),

    /** Gives a running task up; `tree` with all that waits for it. */
    cancel: (subjects: Subjects, options: { tree?: boolean; reason?: string } = {}) =>
      eachStopping(
        subjects,
        'cancel',
        { past: 'cancelled', not: 'Not cancelled.', submit: 'Stop and give up' },
        { ...options },
        { status: 'archived', live: null },
      ),

    reclaim: (subjects: Subjects, reason?: string) =>
      eachStopping(
        subjects,
        'reclaim',
        { past: 'taken from its worker', not: 'Not reclaimed.', submit: 'Stop and try again' },
        reason === undefined ? {} : { reason },
        { status: 'ready', live: null },
      ),

    triage: (subjects: Subjects, reason?: string) =>
      each(
        subjects,
        'triage',
        { past: 'put in triage', not: 'Not put in triage.' },
        reason === undefined ? {} : { reason },
        { status: 'triage' },
      ),

    accept: (subjects: Subjects) =>
      each(subjects, 'accept', { past: 'accepted', not: 'Not accepted.', warns: true }, {}, READY),

    promote: (subjects: Subjects) =>
      each(subjects, 'promote', { past: 'made ready', not: 'Not made ready.' }, {}, READY),

    reopen: (subjects: Subjects, reason?: string) =>
      each(
        subjects,
        'reopen',
        { past: 'reopened', not: 'Not reopened.', warns: true },
        reason === undefined ? {} : { reason },
        { ...READY, completed_at: null },
      ),

    /** The result of a run that came late counts. */
    adopt: (subject: Subject, runId: number) =>
      each(
        [subject],
        'adopt',
        { past: 'has the late result', not: 'Not adopted.' },
        {
          run_id: runId,
        },
      ),

    dismiss: (subject: Subject, runId: number) =>
      each(
        [subject],
        'dismiss',
        { past: 'goes on without the late result', not: 'Not put aside.' },
        { run_id: runId },
      ),

    /** Not before a time (Unix seconds); null is at once. */
    schedule: (subjects: Subjects, at: number | null) =>
      each(
        subjects,
        'schedule',
        { past: at === null ? 'may start at once' : 'scheduled', not: 'Not scheduled.' },
        { scheduled_at: at },
        { scheduled_at: at },
      ),

    edit: (subject: Subject, edits: Edits) =>
      each(
        [subject],
        'edit',
        { past: 'changed', not: 'Not changed.' },
        { ...edits },
        shownOf(edits),
      ),

    link: (parent: string, child: string) =>
      run([{ verb: 'link', id: child, arguments: { parent_id: parent, child_id: child } }], {
        past: `waits for ${parent}`,
        not: 'Not linked.',
        warns: true,
      }),

    unlink: (parent: string, child: string) =>
      run([{ verb: 'unlink', id: child, arguments: { parent_id: parent, child_id: child } }], {
        past: `waits no more for ${parent}`,
        not: 'Not unlinked.',
      }),

    pause: () =>
      run([{ verb: 'pause', id: null, arguments: {} }], {
        past: 'starts nothing new',
        not: 'Not paused.',
      }),

    resume: () =>
      run([{ verb: 'resume', id: null, arguments: {} }], {
        past: 'starts tasks again',
        not: 'Not resumed.',
      }),

    /** Nothing new starts on a host; what runs there goes on. */
    drainHost: ({ host_id: host, name }: HostName) =>
      run([{ verb: 'drain_host', id: null, arguments: { host } }], {
        past: `starts nothing new on ${name}`,
        not: `${name} not drained.`,
      }),

    resumeHost: ({ host_id: host, name }: HostName) =>
      run([{ verb: 'resume_host', id: null, arguments: { host } }], {
        past: `starts tasks on ${name} again`,
        not: `${name} not resumed.`,
      }),

    copyLink(subjects: Subjects): void {
      const links = subjects.map(({ id }) => linkOf(board, id)).join('\n')
      copy(links, subjects.length === 1 ? 'Link copied.' : `${subjects.length} links copied.`)
    },

    undo,
  }
}

const READY: Change = { status: 'ready' }

/** What of an edit stands on cards and pages. */
function shownOf({ title, body, tenant }: Edits): Change {
  return {
    ...(title === undefined ? {} : { title }),
    ...(body === undefined ? {} : { body }),
    ...(tenant === undefined ? {} : { tenant }),
  }
}

async function askChanges(subjects: Subjects): Promise<string | null> {
  const said = await askText({
    title: `Send ${namesOf(subjects)} back to work`,
    label: 'What must change?',
    submit: 'Request changes',
    required: true,
  })
  return said?.text ?? null
}
