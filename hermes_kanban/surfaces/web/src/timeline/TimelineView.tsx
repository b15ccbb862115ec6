import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { useSearchParams } from 'wouter'
import { held } from '@/api/client'
import { sentenceOf } from '@/api/problem'
import type { Bar } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { useOpenedTask, useOpenTask } from '@/app/places'
import { useHealth } from '@/app/reads'
import { useKeys } from '@/keys/useKeys'
import { Empty } from '@/kit/Empty'
import { count, dollars, tokens } from '@/kit/numbers'
import { Segments } from '@/kit/Segments'
import { clockTime } from '@/kit/time'
import { serverNow, useHeardNow } from '@/live/clock'
import { keys } from '@/live/keys'
import { OutcomeIcon } from '@/runs/OutcomeIcon'
import { Plot } from './Plot'
import { RunsTable } from './RunsTable'
import { endOf, totalsOf } from './rows'
import { SpanChooser } from './SpanChooser'
import { moved, type Span, spanOf } from './span'
import { IDLE, Total } from './Total'
import './timeline.css'

const RUNS = 2_000
const NO_BARS: readonly Bar[] = []

/** Who did what when: a row for each profile, and the places that its runs took. */
export default function TimelineView() {
  const [search, setSearch] = useSearchParams()
  const active = useOpenedTask() === null
  const step = (search.get('span') ?? '6h') === '1h' ? 5 : 20
  const now = useHeardNow(step)
  const span = spanOf(search, now)
  const timeline = useTimeline(span)
  const cap = useHealth().data?.max_in_progress
  const [look, setLook] = useState<'drawing' | 'table'>('drawing')
  const bars = timeline.data?.bars ?? NO_BARS
  const inSpan = bars.filter((bar) => bar.started_at <= span.end && endOf(bar, now) >= span.start)
  useKeys('timeline', { timeTable: () => setLook(look === 'table' ? 'drawing' : 'table') }, active)
  const onMove = (seconds: number) =>
    setSearch((before) => moved(before, span, seconds, now), { replace: true })
  const openTask = useOpenTask()
  const onOpen = useCallback(
    (taskId: string, runId: number) => openTask(taskId, 'runs', runId),
    [openTask],
  )
  return (
    <div className="view">
      <h1 className="hidden-words">Timeline</h1>
      <div className="view-bar">
        <SpanChooser span={span} now={now} active={active} />
        <span className="grow" />
        <Segments
          label="Look"
          value={look}
          options={[
            { value: 'drawing', label: 'Drawing' },
            { value: 'table', label: 'Table' },
          ]}
          onChange={setLook}
        />
      </div>
      <Totals bars={timeline.data && inSpan} />
      {timeline.data?.cut === true && (
        <p className="time-cut">Only the newest {count(RUNS)} runs of this span are shown.</p>
      )}
      {timeline.isError ? (
        <Empty title="The runs could not be read">
          <p>{sentenceOf(timeline.error)}</p>
        </Empty>
      ) : timeline.data === undefined ? (
        <div className="view-waits" aria-busy="true" />
      ) : look === 'table' ? (
        <RunsTable bars={inSpan} now={now} onOpen={onOpen} />
      ) : inSpan.length === 0 ? (
        <NoRuns span={span} now={now} />
      ) : (
        <Plot bars={bars} span={span} now={now} cap={cap} onMove={onMove} onOpen={onOpen} />
      )}
      <Legend />
    </div>
  )
}

function useTimeline(span: Span) {
  const { slug } = useBoard()
  const client = useClient()
  // While it follows the clock only its length matters: what begins is told by events.
  const { follows, start, end } = span
  const asked = follows ? { seconds: end - start } : { start, end }
  return useQuery({
    queryKey: keys.slow(slug, 'timeline', asked),
    queryFn: async () => {
      const query = follows ? { start: serverNow() - (end - start) } : { start, end }
      return held(await client.GET('/timeline', { params: { query: { ...query, limit: RUNS } } }))
    },
    placeholderData: keepPreviousData,
  })
}

/** What the runs come to; dashes before they are read. */
function Totals({ bars }: { bars: readonly Bar[] | undefined }) {
  const all = totalsOf(bars ?? NO_BARS)
  const figure = (text: string) => (bars === undefined ? '–' : text)
  return (
    <dl className="totals">
      <Total
        name="Runs"
        value={figure(count(all.runs))}
        note={all.live > 0 ? `${all.live} live` : ''}
      />
      <Total name="Completed" value={figure(count(all.completed))} />
      <Total
        name="Failed"
        value={figure(count(all.failed))}
        note={all.retried > 0 ? `${all.retried} retried` : ''}
      />
      <Total
        name="Spent"
        value={figure(dollars(all.dollars))}
        note={all.tokens > 0 ? `${tokens(all.tokens)} tokens` : ''}
      />
      <Total name="Tokens spent idle" value="0" title={IDLE} />
    </dl>
  )
}

function NoRuns({ span, now }: { span: Span; now: number }) {
  const [, setSearch] = useSearchParams()
  return (
    <Empty
      title={
        span.follows
          ? 'No run in this span'
          : `No run between ${clockTime(span.start, now)} and ${clockTime(span.end, now)}`
      }
      command="hermes-kanban gateway run"
    >
      <p>Each attempt at a task is a bar here. A gateway starts them as tasks become ready.</p>
      {span.name !== 'week' && (
        <p>
          <button
            type="button"
            className="btn"
            onClick={() => setSearch({ span: 'week' }, { replace: true })}
          >
            Show the week
          </button>
        </p>
      )}
    </Empty>
  )
}

const SHOWN: readonly [string | null, string][] = [
  [null, 'Running'],
  ['completed', 'Completed'],
  ['review', 'Review'],
  ['waiting', 'Waiting'],
  ['blocked', 'Blocked'],
  ['crashed', 'Failed'],
  ['rate_limited', 'Rate limited'],
  ['cancelled', 'Stopped'],
]

function Legend() {
  return (
    <p className="view-legend" aria-hidden="true">
      {SHOWN.map(([outcome, words]) => (
        <span key={words}>
          <OutcomeIcon outcome={outcome} />
          {words}
        </span>
      ))}
    </p>
  )
}
