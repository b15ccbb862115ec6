import { useQuery } from '@tanstack/react-query'
import { Inbox } from 'lucide-react'
import { useActions, useOffline } from '@/actions/useActions'
import { held } from '@/api/client'
import { useBoard, useClient } from '@/app/board'
import { Age } from '@/kit/Age'
import { Button } from '@/kit/Button'
import { Markdown } from '@/kit/Markdown'
import { keys } from '@/live/keys'
import { useTask } from '../context'

/** Results of refused runs, which a person takes over or puts aside. */
export function LateResults() {
  const { slug } = useBoard()
  const client = useClient()
  const { id, detail, showRun } = useTask()
  const actions = useActions()
  const disabled = useOffline() !== null
  const wasRefused = detail.runs.some((run) => run.fenced_count > 0)
  const found = useQuery({
    queryKey: [...keys.attention(slug), 'late'],
    queryFn: async () =>
      held(await client.GET('/attention', { params: { query: { limit: 1 } } })).late,
    enabled: wasRefused,
  })
  const late = (found.data ?? []).filter((item) => item.card.id === id && item.run_id !== null)
  return late.map((item) => {
    const runId = item.run_id as number
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
            <Button disabled={disabled} onClick={() => void actions.adopt(detail.task, runId)}>
              Adopt result
            </Button>
            <Button disabled={disabled} onClick={() => void actions.dismiss(detail.task, runId)}>
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
