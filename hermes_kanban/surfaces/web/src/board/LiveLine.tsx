import { Clock } from 'lucide-react'
import type { Card, LiveLine as Live } from '@/api/types'
import { Elapsed } from '@/kit/Age'
import { absolute, age } from '@/kit/time'
import { useHeardNow } from '@/live/clock'
import { lastSign, useQuiet } from '@/live/quiet'
import { useView } from './context'

/** What a run does now: elapsed, attempt, last sign of life, last line of output. */
export function LiveLine({ live, card }: { live: Live; card: Card }) {
  const { deafSince } = useView()
  return (
    <div className={deafSince === null ? 'live running' : 'live running is-deaf'}>
      <p className="live-facts">
        <b>
          <Clock className="i" aria-hidden="true" />
          <span className="hidden-words">running for </span>
          <Elapsed since={live.started_at} />
        </b>
        <span className="cut">{attemptWords(live.attempt, card.attempts)}</span>
        <Seen live={live} />
      </p>
      <p className="live-output cut" title={live.last_line ?? undefined}>
        {live.last_line ?? 'no output yet'}
      </p>
    </div>
  )
}

/** Attempts that no failure caused, as after a question, may be more than are allowed in a row. */
function attemptWords(attempt: number, of: number): string {
  return attempt > of ? `attempt ${attempt}` : `attempt ${attempt} of ${of}`
}

function Seen({ live }: { live: Live }) {
  const now = useHeardNow()
  const isQuiet = useQuiet(live) !== null
  const at = lastSign(live)
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
