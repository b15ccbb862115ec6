import { useEffect, useRef, useState } from 'react'
import { absolute } from '@/kit/time'
import { spread } from './moment'

const PARTS = 160
const SETTLES_MILLISECONDS = 150
const HOUR = 3_600

/**
 * The board's life, with how much happened when. Arrows step from event to event, page keys by an
 * hour; what is dragged is told when it rests.
 */
export function Slider(props: {
  start: number
  /** Until it is known how far back it goes. */
  disabled: boolean
  now: number
  at: number | null
  times: readonly number[]
  onAt: (at: number | null) => void
  onStep: (direction: -1 | 1) => void
}) {
  const { start, now, at, onAt } = props
  const [dragged, setDragged] = useState<number | null>(null)
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const value = dragged ?? at ?? now
  const choose = (next: number) => {
    setDragged(next)
    clearTimeout(timer.current)
    timer.current = setTimeout(() => {
      setDragged(null)
      onAt(next >= now ? null : next)
    }, SETTLES_MILLISECONDS)
  }
  const onKeyDown = (event: React.KeyboardEvent) => {
    const { key } = event
    if (key === 'ArrowLeft' || key === 'ArrowDown') props.onStep(-1)
    else if (key === 'ArrowRight' || key === 'ArrowUp') props.onStep(1)
    else if (key === 'PageDown') choose(Math.max(start, value - HOUR))
    else if (key === 'PageUp') choose(Math.min(now, value + HOUR))
    else if (key === 'Home') choose(start)
    else if (key === 'End') onAt(null)
    else return
    event.preventDefault()
  }
  const told = dragged === null && at === null ? 'now' : absolute(value)
  return (
    <div className="past-slider">
      <Density times={props.times} start={start} end={now} />
      <input
        type="range"
        disabled={props.disabled}
        aria-label="Moment"
        aria-valuetext={told}
        title={told}
        min={start}
        max={now}
        step={1}
        value={value}
        onChange={(event) => choose(Number(event.target.value))}
        onKeyDown={onKeyDown}
      />
    </div>
  )
}

/** How many events each part of the span had: as heights, of which the least can be seen. */
function Density(props: { times: readonly number[]; start: number; end: number }) {
  const counts = spread(props.times, props.start, props.end, PARTS)
  const most = Math.max(1, ...counts)
  return (
    <svg
      className="past-density"
      viewBox={`0 0 ${PARTS} 20`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {counts.map((count, at) => {
        if (count === 0) return null
        const height = 3 + 17 * Math.sqrt(count / most)
        return <rect key={at} x={at + 0.15} width="0.7" y={20 - height} height={height} />
      })}
    </svg>
  )
}
