import type { Bar } from '@/api/types'
import { dollars, tokens } from '../kit/numbers.ts'
import { clockTime, elapsed } from '../kit/time.ts'
import { outcomeWords } from '../runs/outcomes.ts'
import { endOf, whose } from './rows.ts'

/** All about a run in a line: what, who, how it ended, when, how long, and what it cost. */
export function told(bar: Bar, now: number): string {
  const end = endOf(bar, now)
  const until = bar.ended_at === null ? 'now' : clockTime(bar.ended_at, now)
  const parts = [
    `${bar.task_id} ${bar.title}`,
    whose(bar),
    outcomeWords(bar.outcome),
    `${clockTime(bar.started_at, now)} to ${until}`,
    elapsed(end - bar.started_at),
  ]
  if (bar.tokens !== null) parts.push(`${tokens(bar.tokens)} tokens`)
  if (bar.cost_usd !== null) parts.push(dollars(bar.cost_usd))
  return parts.join(' · ')
}
