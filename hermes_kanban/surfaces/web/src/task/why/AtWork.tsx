import { Clock } from 'lucide-react'
import { useElsewhere, useHost, useIsServed } from '@/app/hosts'
import { goneWords, hostIdOf } from '@/app/hostWords'
import { Elapsed } from '@/kit/Age'
import { plainName } from '@/kit/Avatar'
import { Button } from '@/kit/Button'
import { StatusIcon } from '@/kit/StatusIcon'
import { absolute, age, clockTime } from '@/kit/time'
import { serverNow, useHeardNow } from '@/live/clock'
import { lastSign, useQuiet } from '@/live/quiet'
import { focusComposer } from '../Composer'
import { useTask } from '../context'

/** How its worker stands: since when, the last sign of life, and what ends it. */
export function AtWork() {
  const served = useIsServed()
  const { detail, card } = useTask()
  const now = useHeardNow()
  const run = detail.runs.find((one) => one.id === detail.task.current_run_id)
  const host = useHost(run && hostIdOf(run))
  // What it prints elsewhere is not heard here: there its host is the sign of life.
  const elsewhere = useElsewhere(host?.host_id)
  const quiet = useQuiet(elsewhere === null ? (card?.live ?? null) : null)
  if (run === undefined) return null
  const gone = host && goneWords(host)
  const live = card?.live
  const signAt = Math.max(live == null ? 0 : lastSign(live), elsewhere?.last_seen_at ?? 0)
  const isQuiet = quiet !== null
  const limit = live?.max_runtime_seconds ?? detail.task.max_runtime_seconds
  const who = run.profile ?? plainName(run.claimer)
  const attempt = live?.attempt ?? detail.runs.length
  return (
    <div className="task-why running">
      {isQuiet ? (
        <Clock className="i st running" aria-hidden="true" />
      ) : (
        <StatusIcon status="running" />
      )}
      <div className="task-why-text">
        <p>
          <b>
            {run.stop_requested_at === null ? 'Running for ' : 'Stopping, after '}
            <Elapsed since={run.started_at} />, run {attempt}
            {host !== null && ` on ${host.name}`}.
          </b>{' '}
          {isQuiet ? (
            <b className="st running">Quiet {age(quiet)}.</b>
          ) : (
            live != null && (
              <span title={absolute(signAt)}>Last sign of life {age(now - signAt)} ago.</span>
            )
          )}
        </p>
        <p className="task-why-more">
          {run.stop_requested_at !== null
            ? `${run.stop_by === null ? 'The board' : plainName(run.stop_by)} asked it to stop at ${clockTime(run.stop_requested_at)}${run.stop_reason ? `: ${run.stop_reason}` : ''}.`
            : isQuiet
              ? served
                ? 'Its process lives; it prints nothing. Reclaim takes the task from it.'
                : 'Nobody watches its process. You start the gateway.'
              : gone !== null
                ? `${gone} The board gives the run up once its lease is over.`
                : 'Nothing for you to do.'}{' '}
          {limit != null && (
            <span title={absolute(run.started_at + limit)}>
              {run.started_at + limit > serverNow()
                ? `Its time limit ends it at ${clockTime(run.started_at + limit)}.`
                : 'Its time limit is over; it is being stopped.'}
            </span>
          )}
        </p>
      </div>
      <Button onClick={focusComposer}>Message {who}</Button>
    </div>
  )
}
