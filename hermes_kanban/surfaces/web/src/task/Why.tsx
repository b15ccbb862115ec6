import { useRef } from 'react'
import { statusOf } from '@/api/types'
import { useKeys } from '@/keys/useKeys'
import { StatusIcon } from '@/kit/StatusIcon'
import { useTask } from './context'
import { Asks } from './why/Asks'
import { AtWork } from './why/AtWork'
import { Held } from './why/Held'
import { LateResults } from './why/LateResults'

const WHY = 'task-why'

/** Why it stands where it stands, in plain words, with what lifts it. Nothing where it is over. */
export function Why() {
  const { detail, card } = useTask()
  const box = useRef<HTMLDivElement>(null)
  useKeys('task', {
    why: () => {
      box.current?.scrollIntoView({ block: 'nearest' })
      box.current?.focus()
    },
  })
  const status = statusOf(detail.task)
  return (
    <section className="task-why-place" ref={box} id={WHY} tabIndex={-1} aria-label="Why">
      {status === 'running' && <AtWork />}
      {(status === 'blocked' || status === 'review' || status === 'triage') && <Asks />}
      {(status === 'todo' || status === 'ready') && <Held />}
      {status === 'archived' && (
        <div className="task-why archived">
          <StatusIcon status="archived" />
          <div className="task-why-text">
            <p>
              <b>Archived.</b> It changes no more, and reopening brings it back.
            </p>
          </div>
        </div>
      )}
      {card !== undefined && <LateResults />}
    </section>
  )
}
