import { Clock } from 'lucide-react'
import type { Card, LiveLine as Live } from '@/api/types'
import { type Named, useElsewhere } from '@/app/hosts'
import { Elapsed } from '@/kit/Age'
import { absolute, age } from '@/kit/time'
import { useHeardNow } from '@/live/clock'
import { lastSign, useQuiet } from '@/live/quiet'
import { useView } from './context'

/** What a run does now: elapsed, attempt, last sign of life, last line of output. */
export function LiveLine({ live, card }: { live: Live; card: Card }) {
  const { deafSince } = useView()
  const elsewhere = useElsewhere(live.host)
  return (
    <div className={deafSince === null ? 'live running' : 'live running is-deaf'}>
      <p className="live-facts">
        <b>
          <Clock className="i" aria-hidden="true" />
          <span className="hidden-words">running for </span>
          <Elapsed since={live.started_at} />
        </b>
        <span className="cut">{attemptWords(live.attempt, card.attempts)}</span>
        <Seen live={live} elsewhere={elsewhere} />
      </p>
      <p className="live-output cut" title={live.last_line ?? undefined}>
        {live.last_line ?? (elsewhere === null ? 'no output yet' : `on host ${elsewhere.name}`)}
      </p>
    </div>
  )
}

/** Attempts that no failure caused, as after a question, may be more than are allowed in a row. */
function attemptWords(attempt: number, of: number): string {
  return attempt > of ? `attempt ${attempt}` : `attempt ${attempt} of ${of}`
}

/** What is printed elsewhere is not heard here: there its host is the sign of life. */
function Seen({ live, elsewhere }: { live: Live; elsewhere: Named | null }) {
  const now = useHeardNow()
  const isQuiet = useQuiet(elsewhere === null ? live : null) !== null
  const at = Math.max(lastSign(live), elsewhere?.last_seen_at ?? 0)
  const past = now - at
  return (
    <time
      className={isQuiet ? 'live-seen is-quiet' : 'live-seen'}
      dateTime={new Date(at * 1_000).toISOString()}
      title={absolute(at)}
    >
      {isQuiet ? `quiet ${age(past)}` : `seen ${age(past)} ago`}
    </time>
  )
}
