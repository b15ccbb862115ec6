import { useRef } from 'react'
import type { Trends } from '@/api/types'
import { dayName } from '@/kit/time'
import { useWidth } from '@/kit/useWidth'
import { axis, named } from './figures'

const HEIGHT = 150
const FOOT = 20
const HEAD = 16
/** Pixels that a day needs for its name, and for its numbers. */
const NAME = 70
const NUMBERS = 40

/** A pair of columns for each day: created as an outline, completed filled. */
export function DayColumns({ days }: { days: Trends['days'] }) {
  const marks = axis(Math.max(...days.map((day) => Math.max(day.created, day.completed))))
  const top = marks.at(-1) ?? 1
  const y = (value: number) => HEAD + HEIGHT - (value / top) * HEIGHT
  const slot = 100 / days.length
  const chart = useRef<SVGSVGElement>(null)
  const width = useWidth(chart)
  const numbered = width / days.length >= NUMBERS
  const isNamed = named(days.length, Math.floor(width / NAME))
  return (
    <>
      <div className="day-columns">
        <div className="day-axis" style={{ height: HEAD + HEIGHT + FOOT }}>
          {marks.map((mark) => (
            <span key={mark} style={{ top: y(mark) }}>
              {mark}
            </span>
          ))}
        </div>
        <svg ref={chart} width="100%" height={HEAD + HEIGHT + FOOT}>
          {marks.map((mark) => (
            <line key={mark} className="chart-line" x1="0" x2="100%" y1={y(mark)} y2={y(mark)} />
          ))}
          {days.map((day, at) => (
            <g key={day.start}>
              <rect
                className="column-created"
                x={`${slot * (at + 0.16)}%`}
                width={`${slot * 0.32}%`}
                y={y(day.created)}
                height={HEAD + HEIGHT - y(day.created)}
              />
              <rect
                className="column-completed"
                x={`${slot * (at + 0.52)}%`}
                width={`${slot * 0.32}%`}
                y={y(day.completed)}
                height={HEAD + HEIGHT - y(day.completed)}
              />
              {numbered && (
                <>
                  <Figure value={day.created} x={slot * (at + 0.32)} y={y(day.created)} />
                  <Figure value={day.completed} x={slot * (at + 0.68)} y={y(day.completed)} />
                </>
              )}
              {isNamed(at) && (
                <text
                  className="chart-words"
                  x={`${slot * (at + 0.5)}%`}
                  y={HEAD + HEIGHT + 15}
                  textAnchor={!numbered && at === days.length - 1 ? 'end' : 'middle'}
                >
                  {dayName(day.start)}
                </text>
              )}
            </g>
          ))}
        </svg>
      </div>
      <p className="metric-key">
        <span>
          <i className="key-created" /> created
        </span>
        <span>
          <i className="key-completed" /> completed
        </span>
      </p>
    </>
  )
}

function Figure({ value, x, y }: { value: number; x: number; y: number }) {
  if (value === 0) return null
  return (
    <text className="chart-words" x={`${x}%`} y={y - 4} textAnchor="middle">
      {value}
    </text>
  )
}
