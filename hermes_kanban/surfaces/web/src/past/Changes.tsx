import { ArrowRight, Link2, MessageSquare, Paperclip, Pencil } from 'lucide-react'
import { useState } from 'react'
import { sentenceOf } from '@/api/problem'
import { statusOf } from '@/api/types'
import { plainName } from '@/kit/Avatar'
import { Button } from '@/kit/Button'
import { count } from '@/kit/numbers'
import { StatusIcon } from '@/kit/StatusIcon'
import { statusName } from '@/kit/sentences'
import { absolute, clockTime } from '@/kit/time'
import { OutcomeIcon } from '@/runs/OutcomeIcon'
import { outcomeWords } from '@/runs/outcomes'
import { TaskLink } from '@/task/TaskLink'
import { type TaskChanged, useChanges } from './data'
import { boardWords, fieldWords, said } from './saying'

const SHOWN = 60
const FIELDS = 6
// The status has a line of its own, and these say the same again.
const UNTOLD = new Set([
  'started_at',
  'completed_at',
  'claim_expires',
  'last_heartbeat_at',
  'blocked_from',
  'effective_priority',
  'consecutive_failures',
])

/** What became of the board from a moment to now, task by task. */
export function Changes({ from, to, now }: { from: number; to: number; now: number }) {
  const changes = useChanges(from, to)
  const [most, setMost] = useState(SHOWN)
  if (changes.isError) return <p className="past-said">{sentenceOf(changes.error)}</p>
  if (changes.data === undefined) return <div className="view-waits" aria-busy="true" />
  const { tasks, board } = changes.data
  if (tasks.length + board.length === 0) {
    return <p className="past-said">Nothing has changed since.</p>
  }
  const rest = tasks.length - most
  return (
    <section className="past-changes" aria-labelledby="past-changed">
      <h2 id="past-changed">
        {count(tasks.length)} {tasks.length === 1 ? 'task' : 'tasks'} changed since
      </h2>
      {board.map((one) => (
        <p key={one.id} className="past-board-event">
          {boardWords(one)} by {plainName(one.actor)}{' '}
          <span className="dim" title={absolute(one.created_at)}>
            {clockTime(one.created_at, now)}
          </span>
        </p>
      ))}
      <ul>
        {tasks.slice(0, most).map((task) => (
          <ChangedTask key={task.id} task={task} now={now} />
        ))}
      </ul>
      {rest > 0 && (
        <Button look="quiet" onClick={() => setMost(most + SHOWN)}>
          Show {Math.min(SHOWN, rest)} of {count(rest)} more
        </Button>
      )}
    </section>
  )
}

function ChangedTask({ task, now }: { task: TaskChanged; now: number }) {
  const fields = Object.entries(task.fields).filter(([name]) => !UNTOLD.has(name))
  const tell = (at: number) => clockTime(at, now)
  const left = fields.length - FIELDS
  return (
    <li className="past-change">
      <p className="past-change-head">
        <TaskLink id={task.id} className="past-change-title">
          <span className="dim">{task.id}</span> {task.title}
        </TaskLink>
        {task.created && <span className="badge">new</span>}
        <Way statuses={task.statuses} />
      </p>
      <ul className="past-lines">
        {task.runs.map((run) => (
          <li key={`run ${run.id}`}>
            <OutcomeIcon outcome={run.outcome} />
            <span>
              {plainName(run.by)} {outcomeWords(run.outcome)}
            </span>
            {run.note !== null && <span className="dim cut">{run.note}</span>}
          </li>
        ))}
        {fields.slice(0, FIELDS).map(([name, [before, after]]) => (
          <li key={name}>
            <Pencil className="i" aria-hidden="true" />
            <span>{fieldWords(name)}</span>
            <span className="dim cut">
              {said(name, before, tell)} → {said(name, after, tell)}
            </span>
          </li>
        ))}
        {left > 0 && <li className="dim">and {left} more fields</li>}
        {task.links.map((link) => (
          <li key={`${link.op} ${link.parent_id}`}>
            <Link2 className="i" aria-hidden="true" />
            <span>
              {LINKED[link.op]} <TaskLink id={link.parent_id} className="view-link" />
            </span>
          </li>
        ))}
        {task.comments.map((comment) => (
          <li key={`comment ${comment.id}`}>
            <MessageSquare className="i" aria-hidden="true" />
            <span>{plainName(comment.author)}</span>
            <span className="dim cut">{comment.body}</span>
          </li>
        ))}
        {task.attachments.map((file) => (
          <li key={`file ${file.id}`}>
            <Paperclip className="i" aria-hidden="true" />
            <span>{file.name}</span>
          </li>
        ))}
      </ul>
    </li>
  )
}

const LINKED = {
  add: 'waits for',
  remove: 'no longer linked to',
  release: 'was released from',
} as const

/** The statuses that it had on the way. */
function Way({ statuses }: { statuses: readonly string[] }) {
  if (statuses.length < 2) return null
  return (
    <span className="past-way">
      {statuses.map((status, at) => (
        <span key={at} className="past-fact">
          {at > 0 && <ArrowRight className="i" aria-label="then" />}
          <StatusIcon status={statusOf({ status })} />
          {statusName(status)}
        </span>
      ))}
    </span>
  )
}
