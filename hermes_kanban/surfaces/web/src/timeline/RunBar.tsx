import { memo } from 'react'
import { taskPlace } from '@/app/places'
import { isForBrowser } from '@/kit/pressed'
import { OutcomeIcon } from '@/runs/OutcomeIcon'
import { COLOUR, lookOf } from '@/runs/outcomes'
import type { Placed } from './rows'
import { told } from './told'

interface Props {
  placed: Placed
  slug: string
  now: number
  current: boolean
  onOpen: (taskId: string, runId: number) => void
}

/** The address of a run: its task's page, with the run named. */
export function runPlace(slug: string, taskId: string, runId: number): string {
  return `${taskPlace(slug, taskId)}?run=${runId}&part=runs`
}

/** One run: filled by its outcome, with its task inside or to its left where there is room. */
export const RunBar = memo(function RunBar({ placed, slug, now, current, onOpen }: Props) {
  const { bar, label } = placed
  const look = lookOf(bar.outcome)
  const open = (event: React.MouseEvent) => {
    if (isForBrowser(event)) return
    event.preventDefault()
    onOpen(bar.task_id, bar.run_id)
  }
  const words = told(bar, now)
  return (
    <a
      className={`run-bar ${COLOUR[look]} is-${look}`}
      style={{
        left: `${placed.left * 100}%`,
        width: `${placed.width * 100}%`,
        top: placed.lane * LANE,
      }}
      href={runPlace(slug, bar.task_id, bar.run_id)}
      data-run={bar.run_id}
      tabIndex={current ? 0 : -1}
      draggable={false}
      title={words}
      aria-label={words}
      onClick={open}
    >
      {placed.shape && <OutcomeIcon outcome={bar.outcome} />}
      {label === 'inside' && (
        <span className="cut">
          {bar.task_id} {bar.title}
        </span>
      )}
      {label === 'left' && <span className="run-beside">{bar.task_id}</span>}
    </a>
  )
})

/** From one lane of a row to the next. */
export const LANE = 30
