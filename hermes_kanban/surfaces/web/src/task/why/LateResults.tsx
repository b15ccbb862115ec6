import { Inbox } from 'lucide-react'
import { useActions } from '@/actions/useActions'
import { useBoard } from '@/app/board'
import { Age } from '@/kit/Age'
import { Button } from '@/kit/Button'
import { Markdown } from '@/kit/Markdown'
import { useOffline } from '@/live/connection'
import { useTask } from '../context'
import { useAsked } from '../data'

/** Results of refused runs, which a person takes over or puts aside. */
export function LateResults() {
  const { slug } = useBoard()
  const { id, detail, showRun } = useTask()
  const actions = useActions()
  const disabled = useOffline() !== null
  const { late } = useAsked(id)
  return late.map((item) => {
    const runId = item.run_id
    if (runId === null) return null
    const subject = { ...detail.task, question: item.question }
    return (
      <div className="task-why running" key={runId}>
        <Inbox className="i st running" aria-hidden="true" />
        <div className="task-why-text">
          <p>
            <b>Run {runId} handed its result in too late.</b> It is kept; nothing changes unless you
            take it.{' '}
            <span className="dim">
              <Age at={item.since} /> ago
            </span>
          </p>
          <Markdown text={item.text} board={slug} />
          <div className="task-buttons">
            <Button disabled={disabled} onClick={() => void actions.adopt(subject, runId)}>
              Adopt result
            </Button>
            <Button disabled={disabled} onClick={() => void actions.dismiss(subject, runId)}>
              Dismiss
            </Button>
            <Button look="quiet" onClick={() => showRun(runId)}>
              Open its log
            </Button>
          </div>
        </div>
      </div>
    )
  })
}
