import { ChevronDown, ChevronRight } from 'lucide-react'
import { type CSSProperties, useId, useMemo, useRef, useState } from 'react'
import type { Counts, Status } from '@/api/types'
import { useProfiles } from '@/app/reads'
import { Avatar, plainName } from '@/kit/Avatar'
import { count } from '@/kit/numbers'
import { ColumnHead } from './Column'
import { tracks } from './Columns'
import { useView } from './context'
import { columnsOf, type LaneKind, NOBODY } from './filter'
import { cellHeight, LaneCell } from './LaneCell'
import { type LaneCount, lanesOf, shownIn } from './laneorder'
import { Pager } from './Pager'
import { useIsNear } from './useIsNear'
import './lanes.css'

// Above and below the cells.
const PADDING = 24

interface Props {
  kind: LaneKind
  counts: Counts | undefined
}

/** The columns, cut into lanes by profile or tenant; their heads stay above. */
export function Lanes({ kind, counts }: Props) {
  const { filter } = useView()
  const columns = columnsOf(filter)
  const lanes = useLanes(kind, counts)
  return (
    <div className="lanes-frame" style={{ '--tracks': tracks(columns) } as CSSProperties}>
      <div className="lanes-inner">
        <div className="lanes-heads">
          {columns.map((status) => (
            <ColumnHead key={status} status={status} counts={counts} />
          ))}
        </div>
        {/* Other lanes begin at the top. */}
        <div className="lanes" key={kind}>
          {lanes.map((lane, row) => (
            <Lane key={lane.name ?? NOBODY} kind={kind} lane={lane} row={row} columns={columns} />
          ))}
        </div>
      </div>
    </div>
  )
}

/** On a narrow screen: one column at a time, its lanes below each other. */
export function NarrowLanes({ kind, counts }: Props) {
  const { filter } = useView()
  const columns = columnsOf(filter)
  const lanes = useLanes(kind, counts)
  const scroller = useRef<HTMLDivElement>(null)
  return (
    <>
      <Pager columns={columns} counts={counts} scroller={scroller} />
      <div className="columns" ref={scroller}>
        {columns.map((status) => (
          <section
            key={status}
            className={`column ${status}`}
            aria-labelledby={`column-${status}`}
            data-column={status}
          >
            <ColumnHead status={status} counts={counts} />
            <div className="lanes" key={kind}>
              {lanes.map((lane, row) => (
                <Lane
                  key={lane.name ?? NOBODY}
                  kind={kind}
                  lane={lane}
                  row={row}
                  columns={[status]}
                />
              ))}
            </div>
          </section>
        ))}
      </div>
    </>
  )
}

function Lane(props: { kind: LaneKind; lane: LaneCount; row: number; columns: readonly Status[] }) {
  const { kind, lane, row, columns } = props
  const total = shownIn(lane, columns)
  const [chosen, setChosen] = useState<boolean | null>(null)
  const isOpen = chosen ?? total > 0
  const head = useId()
  const frame = useRef<HTMLElement>(null)
  const isNear = useIsNear(frame)
  const name = laneName(kind, lane.name)
  const height = Math.max(0, ...columns.map((one) => cellHeight(one, lane.counts[one] ?? 0)))
  return (
    <section className="lane" aria-labelledby={head} ref={frame}>
      <h2 className="lane-head">
        <button type="button" id={head} aria-expanded={isOpen} onClick={() => setChosen(!isOpen)}>
          {isOpen ? <ChevronDown className="i" /> : <ChevronRight className="i" />}
          {kind === 'assignee' && lane.name !== null && <Avatar name={lane.name} />}
          <b>{name}</b>
          <span>{runningWords(lane)}</span>
          <span>
            {count(total)} {total === 1 ? 'task' : 'tasks'}
          </span>
        </button>
      </h2>
      {isOpen && !isNear && <div style={{ height: height + PADDING }} aria-hidden="true" />}
      {isOpen && isNear && (
        <div className="lane-cells">
          {columns.map((status) => (
            <LaneCell
              key={status}
              cell={{ status, lane: { kind, name: lane.name } }}
              row={row}
              total={lane.counts[status] ?? 0}
              label={`${status} tasks of ${name}`}
            />
          ))}
        </div>
      )}
    </section>
  )
}

/** "1 of 2 running" where the profile has a cap. */
function runningWords({ counts, cap }: LaneCount): string | null {
  const running = counts.running ?? 0
  if (cap !== null) return `${running} of ${cap} running`
  return running > 0 ? `${running} running` : null
}

function laneName(kind: LaneKind, name: string | null): string {
  if (name !== null) return kind === 'assignee' ? plainName(name) : name
  return kind === 'assignee' ? 'Unassigned' : 'No tenant'
}

/**
 * The lanes in an order that stays: profiles that have nothing to do are there too, folded. None
 * before the counts are there, by which they are as high as they will be.
 */
function useLanes(kind: LaneKind, counts: Counts | undefined): LaneCount[] {
  const { filter } = useView()
  const profiles = useProfiles(kind === 'assignee')
  return useMemo(
    () =>
      counts?.lanes == null
        ? []
        : lanesOf(kind, counts.lanes, profiles.data?.profiles ?? [], filter),
    [kind, counts?.lanes, profiles.data, filter],
  )
}
