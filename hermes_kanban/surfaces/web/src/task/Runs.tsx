import type { Run } from '@/api/types'
import { useHost, useSeveralHosts } from '@/app/hosts'
import { hostIdOf } from '@/app/hostWords'
import { Elapsed } from '@/kit/Age'
import { plainName } from '@/kit/Avatar'
import { dollars, tokens } from '@/kit/numbers'
import { capital } from '@/kit/sentences'
import { absolute, clockTime, elapsed } from '@/kit/time'
import { OutcomeIcon } from '@/runs/OutcomeIcon'
import { COLOUR, lookOf, outcomeWords } from '@/runs/outcomes'
import { useTask } from './context'
import { oneLine } from './eventWords'
import { RunDetail } from './RunDetail'
import { Section } from './Section'

/** Every attempt at the task, the newest first; the one that is chosen shows its output above. */
export function Runs() {
  const { detail, shownRun, showRun } = useTask()
  const several = useSeveralHosts().length > 0
  if (detail.runs.length === 0) return null
  return (
    <Section title="Runs" count={detail.runs.length} id="task-runs">
      <div className="task-box task-scroll-x">
        <table className="task-runs">
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col">Outcome</th>
              <th scope="col">Profile</th>
              {several && <th scope="col">Host</th>}
              <th scope="col">Started</th>
              <th scope="col" className="num">
                Duration
              </th>
              <th scope="col" className="num">
                Exit
              </th>
              <th scope="col" className="num">
                Tokens
              </th>
              <th scope="col" className="num">
                Cost
              </th>
            </tr>
          </thead>
          {detail.runs.toReversed().map((run) => (
            <RunRow
              key={run.id}
              run={run}
              several={several}
              chosen={run.id === shownRun?.id}
              onChoose={() => showRun(run.id)}
            />
          ))}
        </table>
      </div>
      {shownRun !== null && <RunDetail run={shownRun} />}
    </Section>
  )
}

function RunRow(props: {
  run: Run
  /** Whether the board has several hosts. */
  several: boolean
  chosen: boolean
  onChoose: () => void
}) {
  const { run, several, chosen, onChoose } = props
  const said = run.error ?? run.summary
  const used = tokensOf(run)
  const host = useHost(hostIdOf(run))
  return (
    <tbody className="task-run" data-chosen={chosen || undefined}>
      <tr onClick={onChoose}>
        <td>
          <button
            type="button"
            className="task-run-choose"
            aria-pressed={chosen}
            aria-label={`Run ${run.id}`}
          >
            {run.id}
          </button>
        </td>
        <td>
          <OutcomeBadge run={run} />
        </td>
        <td>{run.profile ?? plainName(run.claimer)}</td>
        {several && <td>{host?.name ?? '–'}</td>}
        <td title={absolute(run.started_at)}>{clockTime(run.started_at)}</td>
        <td className="num">
          {run.ended_at === null ? (
            <Elapsed since={run.started_at} />
          ) : (
            <span title={`until ${absolute(run.ended_at)}`}>
              {elapsed(run.ended_at - run.started_at)}
            </span>
          )}
        </td>
        <td className="num">{run.exit_code ?? '–'}</td>
        <td className="num">{used === null ? '–' : tokens(used)}</td>
        <td className="num">{run.usage?.cost_usd == null ? '–' : dollars(run.usage.cost_usd)}</td>
      </tr>
      {said !== null && (
        <tr className="task-run-said" onClick={onChoose}>
          <td />
          <td colSpan={several ? 8 : 7}>{oneLine(said)}</td>
        </tr>
      )}
    </tbody>
  )
}

/** How a run ended, by shape, word and colour. */
function OutcomeBadge({ run }: { run: Run }) {
  const isStopping = run.ended_at === null && run.stop_requested_at !== null
  return (
    <span className={`task-badge ${COLOUR[lookOf(run.outcome)]}`}>
      <OutcomeIcon outcome={run.outcome} />
      {isStopping ? 'Stopping' : capital(outcomeWords(run.outcome))}
    </span>
  )
}

/** Tokens of a run, in and out; null where it reports none. */
export function tokensOf(run: Run): number | null {
  const { usage } = run
  if (usage === null || (usage.input === null && usage.output === null)) return null
  return (usage.input ?? 0) + (usage.output ?? 0)
}
