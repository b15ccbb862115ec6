import { useEffect, useMemo, useRef, useState } from 'react'
import { priorityWord } from '@/actions/priorities'
import { COLUMNS, type Status } from '@/api/types'
import { tracks } from '@/board/Columns'
import { Avatar, plainName } from '@/kit/Avatar'
import { Button } from '@/kit/Button'
import { count } from '@/kit/numbers'
import { Priority } from '@/kit/Priority'
import { StatusIcon } from '@/kit/StatusIcon'
import { statusName } from '@/kit/sentences'
import { absolute, age } from '@/kit/time'
import type { PastBoard, PastTask } from './data'
import '@/board/board.css'
import '@/board/card.css'

const SHOWN = 60

/** The columns as they were; nothing can be moved here. */
export function PastColumns(props: {
  board: PastBoard
  /** The time of the moment. */
  at: number
  onOpen: (id: string) => void
}) {
  const { board } = props
  const scroller = useRef<HTMLDivElement>(null)
  const byStatus = useMemo(() => {
    const found = new Map<string, PastTask[]>([['done', board.done]])
    for (const task of board.open) {
      found.set(task.status, [...(found.get(task.status) ?? []), task])
    }
    return found
  }, [board])
  const page = usePage(scroller)
  const show = (status: Status) => {
    const column = scroller.current?.querySelector(`[data-column="${status}"]`)
    column?.scrollIntoView({ block: 'nearest', inline: 'start' })
  }
  const countOf = (status: Status) => {
    const more = status === 'done' ? board.moreDone : board.moreOpen
    return `${count(byStatus.get(status)?.length ?? 0)}${more ? '+' : ''}`
  }
  return (
    <div className="board past-board">
      <nav className="pager" aria-label="Columns">
        {COLUMNS.map((status, at) => (
          <button
            key={status}
            type="button"
            aria-current={at === page ? 'true' : undefined}
            onClick={() => show(status)}
          >
            <StatusIcon status={status} />
            {statusName(status)} <span>{countOf(status)}</span>
          </button>
        ))}
      </nav>
      <div
        className="columns"
        ref={scroller}
        style={{ '--tracks': tracks(COLUMNS) } as React.CSSProperties}
      >
        {COLUMNS.map((status) => (
          <section
            key={status}
            className={`column ${status}`}
            aria-labelledby={`past-${status}`}
            data-column={status}
          >
            <header className="column-head">
              <StatusIcon status={status} />
              <h2 id={`past-${status}`}>{statusName(status)}</h2>
              <span className="column-count">{countOf(status)}</span>
            </header>
            <PastCards
              tasks={byStatus.get(status) ?? []}
              label={`${statusName(status)} tasks`}
              at={props.at}
              onOpen={props.onOpen}
            />
          </section>
        ))}
      </div>
    </div>
  )
}

/** Which column is shown where only one has room. */
function usePage(scroller: React.RefObject<HTMLDivElement | null>): number {
  const [page, setPage] = useState(0)
  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    const look = () => setPage(Math.round(element.scrollLeft / Math.max(1, element.clientWidth)))
    element.addEventListener('scroll', look, { passive: true })
    return () => element.removeEventListener('scroll', look)
  }, [scroller])
  return page
}

function PastCards(props: {
  tasks: readonly PastTask[]
  label: string
  at: number
  onOpen: (id: string) => void
}) {
  const [most, setMost] = useState(SHOWN)
  const rest = props.tasks.length - most
  return (
    <div className="cards past-cards">
      <ul aria-label={props.label}>
        {props.tasks.slice(0, most).map((task) => (
          <li key={task.id}>
            <PastCard task={task} at={props.at} onOpen={props.onOpen} />
          </li>
        ))}
      </ul>
      {rest > 0 && (
        <Button look="quiet" small onClick={() => setMost(most + SHOWN)}>
          Show {Math.min(SHOWN, rest)} of {count(rest)} more
        </Button>
      )}
    </div>
  )
}

function PastCard(props: { task: PastTask; at: number; onOpen: (id: string) => void }) {
  const { task, at } = props
  const since = task.completed_at ?? task.created_at
  const what = task.completed_at === null ? 'created' : 'completed'
  return (
    <button type="button" className="card past-card" onClick={() => props.onOpen(task.id)}>
      <span className="card-head">
        <Priority value={task.priority} word={priorityWord(task.priority)} />
        <span className="card-id">{task.id}</span>
        <span className="card-age" title={`${what} ${absolute(since)}`}>
          {age(at - since)}
        </span>
      </span>
      <span className="card-title">{task.title}</span>
      {task.status === 'blocked' && task.block_reason !== null && (
        <span className="why blocked">
          <span className="why-words">{task.block_reason}</span>
        </span>
      )}
      <span className="card-foot">
        {task.assignee !== null && <Avatar name={task.assignee} />}
        <span className="cut">
          {task.assignee === null ? 'unassigned' : plainName(task.assignee)}
        </span>
      </span>
    </button>
  )
}
