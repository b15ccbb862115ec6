import { useBoard } from '@/app/board'
import { Markdown } from '@/kit/Markdown'
import { useTask } from './context'
import { Section } from './Section'

/** What came of it: the summary of the run that handed it in, and the deliverable. */
export function Result() {
  const { slug } = useBoard()
  const { detail } = useTask()
  const { task, runs } = detail
  if (task.status !== 'done' && task.status !== 'review' && task.result === null) return null
  const last = runs.findLast((run) => run.outcome === 'completed' || run.outcome === 'review')
  const summary = last?.summary ?? null
  if (summary === null && task.result === null) return null
  return (
    <Section
      title={task.status === 'review' ? 'Handed in' : 'Result'}
      count={last === undefined ? undefined : `run ${last.id}`}
      id="task-result"
    >
      <div className="task-box task-quote">
        {summary !== null && <Markdown text={summary} board={slug} />}
        {task.result !== null && task.result !== summary && (
          <Markdown text={task.result} board={slug} />
        )}
      </div>
    </Section>
  )
}
