import { useState } from 'react'
import { useSearchParams } from 'wouter'
import { sentenceOf } from '@/api/problem'
import type { Trends } from '@/api/types'
import { useTrends } from '@/app/reads'
import { Empty } from '@/kit/Empty'
import { count, dollars, tokens } from '@/kit/numbers'
import { Segments } from '@/kit/Segments'
import { duration } from '@/kit/time'
import { IDLE, Total } from '@/timeline/Total'
import { DAYS, daysOf, sumsOf } from './figures'
import { Ends, Profiles, Stays, Throughput, Times } from './panels'
import './metrics.css'

/** Throughput, times, reasons and costs of the last days. */
export default function MetricsView() {
  const [search, setSearch] = useSearchParams()
  const [look, setLook] = useState<'charts' | 'tables'>('charts')
  const days = daysOf(search)
  const trends = useTrends(Number(days))
  return (
    <div className="view metrics">
      <h1 className="hidden-words">Metrics</h1>
      <div className="view-bar">
        <Segments
          label="Span"
          value={days}
          options={DAYS.map((value) => ({ value, label: `${value} days` }))}
          onChange={(value) => setSearch({ days: value }, { replace: true })}
        />
        <span className="grow" />
        <Segments
          label="Look"
          value={look}
          options={[
            { value: 'charts', label: 'Charts' },
            { value: 'tables', label: 'Tables' },
          ]}
          onChange={setLook}
        />
      </div>
      {trends.isError ? (
        <Empty title="The figures could not be read">
          <p>{sentenceOf(trends.error)}</p>
        </Empty>
      ) : trends.data === undefined ? (
        <div className="view-waits" aria-busy="true" />
      ) : (
        <Figures trends={trends.data} tables={look === 'tables'} />
      )}
    </div>
  )
}

function Figures({ trends, tables }: { trends: Trends; tables: boolean }) {
  const sums = sumsOf(trends)
  if (sums.created + sums.completed + sums.runs === 0) {
    return (
      <Empty title="Nothing happened in this span" command='hermes-kanban create "First task"'>
        <p>
          When tasks are made and done, here is how many a day, how long they take and where they
          wait, why runs fail, and what each profile costs.
        </p>
      </Empty>
    )
  }
  const { cycle } = trends
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls and holds no control is scrolled by keys
    <section className="metrics-scroll" aria-label="Figures" tabIndex={0}>
      <dl className="totals">
        <Total name="Created" value={count(sums.created)} />
        <Total name="Completed" value={count(sums.completed)} />
        <Total
          name="Cycle time"
          value={cycle === null ? '–' : duration(cycle.p50)}
          note={cycle === null ? '' : `p90 ${duration(cycle.p90)}`}
          title="From creation to completion: half of the tasks took at most this long, nine of ten at most the other"
        />
        <Total
          name="Runs"
          value={count(sums.runs)}
          note={sums.failures > 0 ? `${count(sums.failures)} failed` : ''}
        />
        <Total
          name="Spent"
          value={dollars(sums.dollars)}
          note={sums.tokens > 0 ? `${tokens(sums.tokens)} tokens` : ''}
        />
        <Total name="Tokens spent idle" value="0" title={IDLE} />
      </dl>
      <div className="metrics-grid">
        <Throughput trends={trends} tables={tables} />
        <Times trends={trends} tables={tables} />
        <Stays trends={trends} tables={tables} />
        <Ends trends={trends} tables={tables} />
        <Profiles trends={trends} tables={tables} />
      </div>
    </section>
  )
}
