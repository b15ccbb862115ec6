import type { Bar } from '@/api/types'
import { useBoard } from '@/app/board'
import { dollars, tokens } from '@/kit/numbers'
import { isForBrowser } from '@/kit/pressed'
import { absolute, clockTime, elapsed } from '@/kit/time'
import { OutcomeIcon } from '@/runs/OutcomeIcon'
import { outcomeWords } from '@/runs/outcomes'
import { runPlace } from './RunBar'
import { endOf, whose } from './rows'

/** The same runs as a table, the newest first. */
export function RunsTable(props: {
  bars: readonly Bar[]
  now: number
  onOpen: (taskId: string, runId: number) => void
}) {
  const { slug } = useBoard()
  return (
    <div className="time-table">
      <table>
        <caption className="hidden-words">Runs, the newest first</caption>
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">Profile</th>
            <th scope="col">Ended as</th>
            <th scope="col">Began</th>
            <th scope="col" className="number">
              Took
            </th>
            <th scope="col" className="number">
              Tokens
            </th>
            <th scope="col" className="number">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {props.bars.map((bar) => (
            <tr key={bar.run_id}>
              <th scope="row">
                <a
                  className="time-task"
                  href={runPlace(slug, bar.task_id, bar.run_id)}
                  onClick={(event) => {
                    if (isForBrowser(event)) return
                    event.preventDefault()
                    props.onOpen(bar.task_id, bar.run_id)
                  }}
                >
                  <span className="dim">{bar.task_id}</span> {bar.title}
                </a>
              </th>
              <td>{whose(bar)}</td>
              <td>
                <span className="time-outcome">
                  <OutcomeIcon outcome={bar.outcome} />
                  {outcomeWords(bar.outcome)}
                </span>
              </td>
              <td title={absolute(bar.started_at)}>{clockTime(bar.started_at, props.now)}</td>
              <td className="number">{elapsed(endOf(bar, props.now) - bar.started_at)}</td>
              <td className="number">{bar.tokens === null ? '' : tokens(bar.tokens)}</td>
              <td className="number">{bar.cost_usd === null ? '' : dollars(bar.cost_usd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
