import { serverNow, useHeardNow, useNow } from '@/live/clock'
import { absolute, age, elapsed } from './time'

const MINUTE = 60

/** How long ago something was, with the absolute time as its title. Renders itself only. */
export function Age({ at, className }: { at: number; className?: string }) {
  // In seconds it is told each second; in minutes that is not needed.
  const now = useNow(serverNow() - at < MINUTE ? 1 : 10)
  return (
    <time className={className} dateTime={new Date(at * 1_000).toISOString()} title={absolute(at)}>
      {age(now - at)}
    </time>
  )
}

/** How long something runs, each second, while the server is heard. */
export function Elapsed({ since }: { since: number }) {
  const now = useHeardNow()
  return <span title={`since ${absolute(since)}`}>{elapsed(now - since)}</span>
}

/** How long until something happens, each second; nothing below zero. */
export function Countdown({ until }: { until: number }) {
  const now = useNow()
  return <span title={absolute(until)}>{elapsed(until - now)}</span>
}
