import { X } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { Problem, sentenceOf } from '@/api/problem'
import { statusOf } from '@/api/types'
import { useBoard } from '@/app/board'
import { useHost } from '@/app/hosts'
import { hostIdOf } from '@/app/hostWords'
import { Avatar, plainName } from '@/kit/Avatar'
import { IconButton } from '@/kit/Button'
import { Markdown } from '@/kit/Markdown'
import { StatusIcon } from '@/kit/StatusIcon'
import { statusName } from '@/kit/sentences'
import { absolute, clockTime, elapsed } from '@/kit/time'
import { OutcomeIcon } from '@/runs/OutcomeIcon'
import { outcomeWords } from '@/runs/outcomes'
import { TaskLink } from '@/task/TaskLink'
import { type TaskWas, useTaskPast } from './data'

/** A task as it was at the moment: nothing in it can be changed. */
export function PastTaskPanel(props: {
  id: string
  event: number
  now: number
  onClose: () => void
}) {
  const { id } = props
  const was = useTaskPast(id, props.event)
  const panel = useRef<HTMLElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another task takes the focus too
  useEffect(() => panel.current?.focus({ preventScroll: true }), [id])
  return (
    <aside
      className="past-panel"
      ref={panel}
      tabIndex={-1}
      aria-label={`${id} as it was`}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        event.preventDefault()
        props.onClose()
      }}
    >
      <header>
        <span className="dim">{id} as it was</span>
        <span className="grow" />
        <TaskLink id={id} className="view-link">
          As it is now
        </TaskLink>
        <IconButton name="Close" hint="Esc" small onClick={props.onClose}>
          <X className="i" aria-hidden="true" />
        </IconButton>
      </header>
      {was.isError ? (
        <p>
          {was.error instanceof Problem && was.error.status === 404
            ? 'This task was not there yet.'
            : sentenceOf(was.error)}
        </p>
      ) : (
        was.data !== undefined && <Was was={was.data} now={props.now} />
      )}
    </aside>
  )
}

/** Where it ran, where several hosts share the board. */
function OnHost({ run }: { run: TaskWas['runs'][number] }) {
  const host = useHost(hostIdOf(run))
  return host === null ? null : ` on ${host.name}`
}

function Was({ was, now }: { was: TaskWas; now: number }) {
  const { slug } = useBoard()
  const { task } = was
  return (
    <>
      <h2>{task.title}</h2>
      <p className="past-facts">
        <span className="past-fact">
          <StatusIcon status={statusOf(task)} /> {statusName(statusOf(task))}
        </span>
        <span className="past-fact">
          {task.assignee !== null && <Avatar name={task.assignee} />}
          {task.assignee === null ? 'unassigned' : plainName(task.assignee)}
        </span>
        <span title={absolute(task.created_at)}>created {clockTime(task.created_at, now)}</span>
      </p>
      {task.block_reason !== null && <p className="past-reason">{task.block_reason}</p>}
      {was.open_parents.length > 0 && (
        <p>
          Waited for{' '}
          {was.open_parents.map((id, at) => (
            <span key={id}>
              {at > 0 && ', '}
              <TaskLink id={id} className="view-link" />
            </span>
          ))}
        </p>
      )}
      {task.body !== null && task.body !== '' && <Markdown text={task.body} board={slug} />}
      {was.runs.length > 0 && (
        <section aria-labelledby="past-runs">
          <h3 id="past-runs">Runs</h3>
          <ul className="past-lines">
            {was.runs.map((run) => (
              <li key={run.id}>
                <OutcomeIcon outcome={run.outcome} />
                <span>
                  {run.profile ?? plainName(run.claimer)} {outcomeWords(run.outcome)}
                  <OnHost run={run} />
                </span>
                <span className="dim" title={absolute(run.started_at)}>
                  {clockTime(run.started_at, now)}
                  {run.ended_at !== null && `, ${elapsed(run.ended_at - run.started_at)}`}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {was.comments.length > 0 && (
        <section aria-labelledby="past-thread">
          <h3 id="past-thread">Thread</h3>
          {was.comments.map((comment) => (
            <article key={comment.id} className="past-comment">
              <p className="dim">
                {plainName(comment.author)} ·{' '}
                <span title={absolute(comment.created_at)}>
                  {clockTime(comment.created_at, now)}
                </span>
              </p>
              <Markdown text={comment.body} board={slug} />
            </article>
          ))}
        </section>
      )}
    </>
  )
}
