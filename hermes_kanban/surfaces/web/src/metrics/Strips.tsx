import type { ReactNode } from 'react'
import { percent } from './figures'

export interface Strip {
  key: string
  name: ReactNode
  value: number
  /** A second value beyond the first, as nine of ten beyond half. */
  beyond?: number
  words: ReactNode
  /** The status whose colour it has; none is neutral. */
  status?: string
}

/** Horizontal bars with their names before and their figures behind them. */
export function Strips({ strips }: { strips: readonly Strip[] }) {
  const most = Math.max(...strips.map((one) => Math.max(one.value, one.beyond ?? 0)))
  return (
    <ul className="strips">
      {strips.map((one) => (
        <li key={one.key} className={one.status}>
          <span className="strip-name">{one.name}</span>
          <svg width="100%" height="14">
            {one.beyond !== undefined && (
              <rect
                className="strip-beyond"
                width={percent(one.beyond, most)}
                height="13"
                y="0.5"
                rx="2"
              />
            )}
            <rect className="strip-value" width={percent(one.value, most)} height="14" rx="2" />
          </svg>
          <span className="strip-words">{one.words}</span>
        </li>
      ))}
    </ul>
  )
}
