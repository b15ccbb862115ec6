import type { ReactNode } from 'react'
import type { Run } from '@/api/types'
import { useBoard } from '@/app/board'
import { useHost } from '@/app/hosts'
import { hostIdOf } from '@/app/hostWords'
import { plainName } from '@/kit/Avatar'
import { Markdown } from '@/kit/Markdown'
import { count } from '@/kit/numbers'
import { absolute } from '@/kit/time'
import { oneLine } from './eventWords'

/** What is known of one run beside its row: what it said, what it used, where it can be taken up. */
export function RunDetail({ run }: { run: Run }) {
  const { slug } = useBoard()
  const host = useHost(hostIdOf(run))
  const facts = factsOf(run, host?.name ?? null)
  const said = run.error ?? run.summary
  // A question that ended a run is kept as its error.
  const isFailure = run.error !== null && run.outcome !== 'blocked'
  return (
    <section className="task-box task-run-detail" aria-label={`Details of run ${run.id}`}>
      {said !== null && isMore(said) && (
        <div className={isFailure ? undefined : 'task-quote'}>
          {isFailure ? (
            <pre className="task-error">{said}</pre>
          ) : (
            <Markdown text={said} board={slug} />
          )}
        </div>
      )}
      <dl className="task-facts wide">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {run.metadata !== null && Object.keys(run.metadata).length > 0 && (
        <details>
          <summary>Metadata</summary>
          <pre className="task-pre">{JSON.stringify(run.metadata, null, 2)}</pre>
        </details>
      )}
    </section>
  )
}

/** Whether there is more of it than its row shows. */
function isMore(said: string): boolean {
  return oneLine(said) !== said.trim()
}

function factsOf(run: Run, host: string | null): [string, ReactNode][] {
  const facts: [string, ReactNode][] = [
    ['Started', absolute(run.started_at)],
    ['Ended', run.ended_at === null ? 'at work' : absolute(run.ended_at)],
  ]
  if (host !== null) facts.push(['Host', host])
  const { usage } = run
  if (usage !== null) {
    const cached = usage.cached ? `, ${count(usage.cached)} of it cached` : ''
    if (usage.input !== null) facts.push(['Tokens in', `${count(usage.input)}${cached}`])
    if (usage.output !== null) facts.push(['Tokens out', count(usage.output)])
    if (usage.turns != null) facts.push(['Turns', count(usage.turns)])
  }
  if (run.worker_pid !== null) facts.push(['Process', run.worker_pid])
  if (run.last_heartbeat_at !== null) {
    facts.push(['Process last seen', absolute(run.last_heartbeat_at)])
  }
  if (run.runtime !== null) facts.push(['Runtime', run.runtime])
  if (run.session !== null) facts.push(['Session', <code key="session">{run.session}</code>])
  if (run.resume) facts.push(['Begun', 'from the session of the run before'])
  if (run.stop_requested_at !== null) {
    const by = run.stop_by === null ? '' : ` by ${plainName(run.stop_by)}`
    const why = run.stop_reason === null ? '' : `: ${run.stop_reason}`
    facts.push(['Stop asked for', `${absolute(run.stop_requested_at)}${by}${why}`])
  }
  if (run.fenced_count > 0)
    facts.push([
      'Refused for being late',
      run.fenced_count === 1 ? 'once' : `${run.fenced_count} times`,
    ])
  return facts
}
