import { useMemo } from 'react'
import type { Bar } from '@/api/types'
import { load, stairs } from './slots'

const HEIGHT = 72

/** How many of the gateway's places were taken over the span, against how many there are. */
export function Slots(props: {
  bars: readonly Bar[]
  start: number
  end: number
  now: number
  cap: number | undefined
}) {
  const { bars, start, end, now, cap } = props
  const found = useMemo(() => stairs(bars, start, end, now), [bars, start, end, now])
  const until = Math.min(end, now)
  const { peak, mean } = load(found, until)
  const top = Math.max(1, peak, cap ?? 0) * 1.12
  const x = (at: number) => ((at - start) / (end - start)) * 1_000
  const y = (taken: number) => HEIGHT - (taken / top) * HEIGHT
  let path = `M0 ${HEIGHT}`
  for (const [index, stair] of found.entries()) {
    const next = found[index + 1]?.at ?? until
    path += `L${x(stair.at)} ${y(stair.taken)}H${x(next)}`
  }
  const of = cap === undefined ? '' : ` of ${cap}`
  const words = `At most ${peak}${of} at once, ${mean.toFixed(1)} in the mean`
  return (
    <div className="time-row slots">
      <div className="time-name" title="The cap as it is now: max_in_progress in the settings">
        <span>
          Slots in use
          <small>
            {cap === undefined ? '' : `cap ${cap}, `}peak {peak}
          </small>
        </span>
      </div>
      <div className="time-lane">
        <svg
          viewBox={`0 0 1000 ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={words}
          height={HEIGHT}
        >
          <title>{words}</title>
          <path className="slots-area" d={`${path}V${HEIGHT}Z`} />
          <path className="slots-line" d={path} vectorEffect="non-scaling-stroke" />
          {cap !== undefined && (
            <path className="slots-cap" d={`M0 ${y(cap)}H1000`} vectorEffect="non-scaling-stroke" />
          )}
        </svg>
      </div>
    </div>
  )
}
