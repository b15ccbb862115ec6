import { STATUSES, type Status, type Trends } from '@/api/types'
import { Avatar } from '@/kit/Avatar'
import { count, dollars, tokens } from '@/kit/numbers'
import { StatusIcon } from '@/kit/StatusIcon'
import { dayName, duration } from '@/kit/time'
import { OutcomeIcon } from '@/runs/OutcomeIcon'
import { COLOUR, lookOf, outcomeWords } from '@/runs/outcomes'
import { DayColumns } from './DayColumns'
import { Panel } from './Panel'
import { type Strip, Strips } from './Strips'

interface Props {
  trends: Trends
  tables: boolean
}

/** How many tasks came and went, day by day. */
export function Throughput({ trends, tables }: Props) {
  const cells = {
    head: ['Day', 'Created', 'Completed'],
    rows: trends.days.map((day) => [dayName(day.start), day.created, day.completed]),
  }
  return (
    <Panel title="Throughput" note="Tasks a day" cells={cells} tables={tables} wide>
      <DayColumns days={trends.days} />
    </Panel>
  )
}

/** How long tasks take. */
export function Times({ trends, tables }: Props) {
  const all = [
    ['Creation to done', trends.cycle],
    ['First run to done', trends.work],
  ] as const
  const known = all.flatMap(([name, spread]) => (spread === null ? [] : [{ name, ...spread }]))
  const strips = known.map(
    (one): Strip => ({
      key: one.name,
      name: one.name,
      value: one.p50,
      beyond: one.p90,
      words: <Halves p50={one.p50} p90={one.p90} />,
      status: 'done',
    }),
  )
  const cells = {
    head: ['From', 'Tasks', 'Half took at most', 'Nine of ten at most'],
    rows: known.map((one) => [one.name, count(one.count), duration(one.p50), duration(one.p90)]),
  }
  return (
    <Panel
      title="Cycle time"
      note="Half took at most, nine of ten at most"
      cells={cells}
      tables={tables}
    >
      <Strips strips={strips} />
    </Panel>
  )
}

/** How long tasks stay in a status before they leave it. */
export function Stays({ trends, tables }: Props) {
  const known = STATUSES.flatMap((status) => {
    const spread = trends.in_status[status]
    return spread === undefined ? [] : [{ status, ...spread }]
  })
  const strips = known.map(
    (one): Strip => ({
      key: one.status,
      name: <StatusName status={one.status} />,
      value: one.p50,
      beyond: one.p90,
      words: <Halves p50={one.p50} p90={one.p90} />,
      status: one.status,
    }),
  )
  const cells = {
    head: ['Status', 'Stays', 'Half took at most', 'Nine of ten at most'],
    rows: known.map((one) => [one.status, count(one.count), duration(one.p50), duration(one.p90)]),
  }
  return (
    <Panel
      title="Time in state"
      note="Stays that began and ended in this span"
      cells={cells}
      tables={tables}
    >
      <Strips strips={strips} />
    </Panel>
  )
}

/** How runs ended; what failed comes first. */
export function Ends({ trends, tables }: Props) {
  const failed = (outcome: string) => Number(lookOf(outcome) === 'failed')
  const known = Object.entries(trends.reasons).sort(
    ([a, many], [b, more]) => failed(b) - failed(a) || more - many,
  )
  const all = known.reduce((sum, [, many]) => sum + many, 0)
  const share = (many: number) => `${Math.round((many / all) * 100)} %`
  const strips = known.map(
    ([outcome, many]): Strip => ({
      key: outcome,
      name: (
        <>
          <OutcomeIcon outcome={outcome} /> {outcomeWords(outcome)}
        </>
      ),
      value: many,
      words: (
        <>
          <b>{count(many)}</b> {share(many)}
        </>
      ),
      status: COLOUR[lookOf(outcome)],
    }),
  )
  const cells = {
    head: ['Run ended as', 'Runs', 'Share'],
    rows: known.map(([outcome, many]) => [outcomeWords(outcome), count(many), share(many)]),
  }
  return (
    <Panel title="How runs ended" note="Failures first" cells={cells} tables={tables}>
      <Strips strips={strips} />
    </Panel>
  )
}

/** What each profile did, and what that cost. */
export function Profiles({ trends, tables }: Props) {
  const told = trends.profiles.some((one) => one.cost_usd !== null)
  const name = (profile: string | null) => profile ?? 'by hand'
  const strips = trends.profiles.map(
    (one): Strip => ({
      key: name(one.profile),
      name: (
        <>
          {one.profile !== null && <Avatar name={one.profile} />} {name(one.profile)}
        </>
      ),
      value: (told ? one.cost_usd : one.tokens) ?? 0,
      words: (
        <>
          <b>{one.cost_usd === null ? '–' : dollars(one.cost_usd)}</b>{' '}
          {one.tokens === null ? 'tokens not told' : `${tokens(one.tokens)} tokens`} ·{' '}
          {count(one.runs)} {one.runs === 1 ? 'run' : 'runs'}
          {one.failures > 0 && `, ${count(one.failures)} failed`}
        </>
      ),
    }),
  )
  const cells = {
    head: ['Profile', 'Runs', 'Failed', 'Time', 'Tokens', 'Cost'],
    rows: trends.profiles.map((one) => [
      name(one.profile),
      count(one.runs),
      count(one.failures),
      duration(one.seconds),
      one.tokens === null ? 'not told' : tokens(one.tokens),
      one.cost_usd === null ? 'not told' : dollars(one.cost_usd),
    ]),
  }
  return (
    <Panel
      title="Cost by profile"
      note="Of runs that ended in this span, as the agents told it"
      cells={cells}
      tables={tables}
    >
      <Strips strips={strips} />
    </Panel>
  )
}

function StatusName({ status }: { status: Status }) {
  return (
    <>
      <StatusIcon status={status} /> {status}
    </>
  )
}

function Halves({ p50, p90 }: { p50: number; p90: number }) {
  return (
    <>
      <b>{duration(p50)}</b> {duration(p90)}
    </>
  )
}
