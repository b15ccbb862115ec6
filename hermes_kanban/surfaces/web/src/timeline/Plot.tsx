import { useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { Bar } from '@/api/types'
import { useBoard } from '@/app/board'
import { Avatar, plainName } from '@/kit/Avatar'
import { absolute, clockTime, dayName, hourName, zoneOffset } from '@/kit/time'
import { useWidth } from '@/kit/useWidth'
import { LANE, RunBar } from './RunBar'
import { type Arrow, type Row, rowsOf, stepTo } from './rows'
import { Slots } from './Slots'
import { type Span, ticks } from './span'
import { told } from './told'
import { useDrag } from './useDrag'

const ARROWS: readonly string[] = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']
const ROW = 46
const TICK = 76
const DAY = 86_400

/** The rows of runs over the axis of time, with the places that they took below. */
export function Plot(props: {
  bars: readonly Bar[]
  span: Span
  now: number
  cap: number | undefined
  onMove: (seconds: number) => void
  onOpen: (taskId: string, runId: number) => void
}) {
  const { bars, now, span } = props
  const { slug } = useBoard()
  const scroller = useRef<HTMLDivElement>(null)
  const lanes = useRef<HTMLDivElement>(null)
  const pixels = useWidth(lanes)
  const length = span.end - span.start
  const shift = useDrag(scroller, (dragged) => props.onMove(-(dragged / pixels) * length))
  const by = pixels === 0 ? 0 : -(shift / pixels) * length
  const [start, end] = [span.start + by, span.end + by]
  const rows = useMemo(
    () => (pixels === 0 ? [] : rowsOf(bars, { start, end, now, pixels })),
    [bars, start, end, now, pixels],
  )
  const [focus, setFocus] = useState<number | null>(null)
  const [pointed, setPointed] = useState<number | null>(null)
  const current = isIn(rows, focus) ? focus : lastOf(rows)
  const shown = bars.find((bar) => bar.run_id === (pointed ?? focus))
  const onKeyDown = (event: React.KeyboardEvent) => {
    const from = Number((event.target as HTMLElement).dataset.run)
    if (!ARROWS.includes(event.key) || Number.isNaN(from)) return
    event.preventDefault()
    const next = stepTo(rows, from, event.key as Arrow)
    if (next === null) return
    const found = scroller.current?.querySelector<HTMLElement>(`[data-run="${next}"]`)
    found?.focus({ preventScroll: true })
    found?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }
  const runOf = (event: React.SyntheticEvent) => {
    const id = (event.target as HTMLElement).closest<HTMLElement>('[data-run]')?.dataset.run
    return id === undefined ? null : Number(id)
  }
  useEndFirst(scroller, span)
  const marks = ticks(start, end, pixels / TICK, zoneOffset(end))
  // The time of now stands over the marks beside it.
  const isFree = (time: number) => (Math.abs(time - now) / length) * pixels > TICK / 2
  const at = (time: number) => `${((time - start) / (end - start)) * 100}%`
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: it is no group of form fields */}
      <div
        className="time-scroll"
        ref={scroller}
        role="group"
        aria-label="Runs by profile. Arrow keys lead from run to run."
        onKeyDown={onKeyDown}
        onFocus={(event) => setFocus(runOf(event))}
        onMouseOver={(event) => setPointed(runOf(event))}
        onMouseLeave={() => setPointed(null)}
      >
        <div className="time-plot">
          <div className="time-row axis" aria-hidden="true">
            <div className="time-name" />
            <div className="time-lane" ref={lanes}>
              {marks.filter(isFree).map((time) => (
                <span key={time} className="time-tick" style={{ left: at(time) }}>
                  {mark(time, length)}
                </span>
              ))}
              {now >= start && now <= end && (
                <time className="time-now" style={{ left: at(now) }} title={absolute(now)}>
                  {clockTime(now, now)}
                </time>
              )}
            </div>
          </div>
          <div className="time-grid" aria-hidden="true">
            <div className="time-lane">
              {marks.map((time) => (
                <span key={time} className="time-line" style={{ left: at(time) }} />
              ))}
              {now >= start && now <= end && (
                <span className="time-line now" style={{ left: at(now) }} />
              )}
            </div>
          </div>
          {rows.map((row) => (
            <div
              className="time-row"
              key={row.name}
              style={{ height: ROW + (row.lanes - 1) * LANE }}
            >
              <div className="time-name">
                <Avatar name={row.name} />
                <span className="cut" title={row.name}>
                  {plainName(row.name)}
                </span>
              </div>
              <div className="time-lane">
                {row.bars.map((placed) => (
                  <RunBar
                    key={placed.bar.run_id}
                    placed={placed}
                    slug={slug}
                    now={placed.bar.ended_at === null ? now : 0}
                    current={placed.bar.run_id === current}
                    onOpen={props.onOpen}
                  />
                ))}
              </div>
            </div>
          ))}
          <Slots bars={bars} start={start} end={end} now={now} cap={props.cap} />
        </div>
      </div>
      <p className="time-told" aria-hidden="true">
        {shown === undefined ? '' : told(shown, now)}
      </p>
    </>
  )
}

function isIn(rows: readonly Row[], run: number | null): boolean {
  return run !== null && rows.some((row) => row.bars.some(({ bar }) => bar.run_id === run))
}

function lastOf(rows: readonly Row[]): number | null {
  return Math.max(0, ...rows.flatMap((row) => row.bars.map(({ bar }) => bar.run_id))) || null
}

function mark(time: number, length: number): string {
  const date = new Date(time * 1_000)
  const midnight = date.getHours() === 0 && date.getMinutes() === 0
  if (length > 3 * DAY || midnight) {
    return dayName(time)
  }
  return hourName(time)
}

/** On a narrow screen, where the rows are wider than it, what is newest is seen first. */
function useEndFirst(scroller: React.RefObject<HTMLElement | null>, span: Span): void {
  const key = `${span.name} ${span.follows ? '' : span.end}`
  useLayoutEffect(() => {
    if (scroller.current !== null && key !== '') {
      scroller.current.scrollLeft = scroller.current.scrollWidth
    }
  }, [scroller, key])
}
