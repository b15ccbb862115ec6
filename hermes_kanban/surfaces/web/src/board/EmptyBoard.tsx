import type { ReactNode } from 'react'
import { useBoard } from '@/app/board'
import { useIsServed } from '@/app/hosts'
import { useNewTask } from '@/app/newTask'
import { useProfiles } from '@/app/reads'
import { shown } from '@/keys/table'
import { Button } from '@/kit/Button'
import { Command } from '@/kit/Empty'
import { StatusIcon } from '@/kit/StatusIcon'
import './empty.css'

/** A board without a task: what makes the first one be done. */
export function EmptyBoard() {
  const { slug, name, boards } = useBoard()
  const newTask = useNewTask()
  const workdir = boards.find((one) => one.slug === slug)?.board?.default_workdir
  const board = slug === 'default' ? '' : ` --board ${slug}`
  const hasGateway = useIsServed() === true
  const profiles = useProfiles()
  const profile = profiles.data?.profiles[0]?.name ?? 'backend'
  return (
    <div className="first-steps">
      <header>
        <h1>No tasks on {name} yet</h1>
        <p>{hasGateway ? 'One command' : 'Two commands'} to a first done task.</p>
      </header>
      <ol>
        <Step done title="Board created">
          <p>
            {workdir ? `Default workdir ${workdir}.` : 'Each task works in a folder of its own.'}
          </p>
        </Step>
        <Step title="File a task">
          <Command text={`hermes-kanban${board} create "Add /healthz" --assignee ${profile}`} />
        </Step>
        {hasGateway ? (
          <Step done title="A gateway runs what is ready">
            <p>It serves this board now.</p>
          </Step>
        ) : (
          <Step title="Start the gateway, so that something runs it">
            <Command text="hermes-kanban gateway run" />
          </Step>
        )}
        <Step title="Watch it here">
          <p>The card moves by itself. Questions come to Needs you.</p>
        </Step>
      </ol>
      <p>
        <Button onClick={() => newTask()} hint={shown('newTask')}>
          Write a task here
        </Button>
      </p>
    </div>
  )
}

function Step({
  done = false,
  title,
  children,
}: {
  done?: boolean
  title: string
  children: ReactNode
}) {
  return (
    <li>
      <StatusIcon status={done ? 'done' : 'todo'} />
      <h2>
        {title}
        {done && <span className="hidden-words"> (done)</span>}
      </h2>
      {children}
    </li>
  )
}
