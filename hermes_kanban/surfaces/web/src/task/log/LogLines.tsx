import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useMemo, useRef } from 'react'
import type { LogLine } from './colours'
import type { Match } from './find'
import type { Log } from './useLog'

const ROW = 18
/** Of a log that grows no more: as high as its lines. */
const HIGHEST = 240
const EDGES = 26
const OVERSCAN = 20
/** So near to the end counts as being at the end. */
const SLACK = 24

/** The lines, of which only those in sight are there. */
export function LogLines(props: {
  log: Log
  isAtWork: boolean
  follows: boolean
  onFollows: (follows: boolean) => void
  matches: readonly Match[]
  chosen: number
}) {
  const { log, follows, onFollows, matches, chosen, isAtWork } = props
  const { lines } = log
  const view = useRef<HTMLDivElement>(null)
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => view.current,
    estimateSize: () => ROW,
    overscan: OVERSCAN,
  })
  const longest = useMemo(
    () => lines.reduce((most, line) => Math.max(most, line.plain.length), 0),
    [lines],
  )
  const byLine = useMemo(() => {
    const found = new Map<number, { match: Match; index: number }[]>()
    for (const [index, match] of matches.entries()) {
      const there = found.get(match.line)
      if (there === undefined) found.set(match.line, [{ match, index }])
      else there.push({ match, index })
    }
    return found
  }, [matches])

  const opened = useRef(false)
  useEffect(() => {
    const at = view.current
    if (at === null || lines.length === 0) return
    // A log opens at its end, where the newest is.
    if (follows || !opened.current) at.scrollTop = at.scrollHeight
    opened.current = true
  }, [follows, lines])

  const chosenLine = matches[chosen]?.line
  const chosenStart = matches[chosen]?.start ?? 0
  useEffect(() => {
    if (chosenLine === undefined) return
    rows.scrollToIndex(chosenLine, { align: 'center' })
    const at = view.current
    if (at === null) return
    // 7.3 px a letter, about: enough to have the match in sight.
    const left = chosenStart * 7.3
    if (left < at.scrollLeft || left > at.scrollLeft + at.clientWidth - 80) {
      at.scrollLeft = Math.max(0, left - 80)
    }
  }, [chosenLine, chosenStart, rows])

  const onScroll = () => {
    const at = view.current
    if (at === null || !isAtWork) return
    const isAtEnd = at.scrollHeight - at.scrollTop - at.clientHeight < SLACK
    if (follows && !isAtEnd && scrolledByHand.current) onFollows(false)
    else if (!follows && isAtEnd && chosen < 0 && scrolledByHand.current) onFollows(true)
  }
  const scrolledByHand = useRef(false)
  const byHand = () => {
    scrolledByHand.current = true
    clearTimeout(calm.current)
    calm.current = setTimeout(() => {
      scrolledByHand.current = false
    }, 300)
  }
  const calm = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useEffect(() => () => clearTimeout(calm.current), [])

  return (
    <div
      ref={view}
      className="log-view"
      role="log"
      aria-live={follows ? 'polite' : 'off'}
      aria-label="Output"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keys as well
      tabIndex={0}
      style={isAtWork ? undefined : { height: Math.min(HIGHEST, lines.length * ROW + EDGES) }}
      onScroll={onScroll}
      onWheel={byHand}
      onTouchMove={byHand}
      onKeyDown={byHand}
      onPointerDown={byHand}
    >
      {lines.length === 0 ? (
        <p className="log-none dim">
          {log.told ? (isAtWork ? 'It has said nothing yet.' : 'It said nothing.') : ' '}
        </p>
      ) : (
        <div
          className="log-rows"
          style={{ height: rows.getTotalSize(), minWidth: `calc(${longest}ch + 24px)` }}
        >
          {rows.getVirtualItems().map((row) => (
            <div
              key={row.key}
              className="log-line"
              style={{ transform: `translateY(${row.start}px)` }}
            >
              <Line
                line={lines[row.index] as LogLine}
                matches={byLine.get(row.index) ?? []}
                chosen={chosen}
              />
            </div>
          ))}
        </div>
      )}
    </div>
  )
}

function Line(props: {
  line: LogLine
  matches: readonly { match: Match; index: number }[]
  chosen: number
}) {
  const { line, matches, chosen } = props
  const parts: ReactNode[] = []
  let start = 0
  for (const [index, piece] of line.pieces.entries()) {
    const end = start + piece.text.length
    let at = start
    const inside: ReactNode[] = []
    for (const { match, index: number } of matches) {
      const from = Math.max(match.start, start)
      const to = Math.min(match.end, end)
      if (from >= to) continue
      inside.push(line.plain.slice(at, from))
      inside.push(
        <mark key={from} data-chosen={number === chosen || undefined}>
          {line.plain.slice(from, to)}
        </mark>,
      )
      at = to
    }
    inside.push(line.plain.slice(at, end))
    parts.push(
      piece.look === '' ? (
        <span key={index}>{inside}</span>
      ) : (
        <span key={index} className={piece.look}>
          {inside}
        </span>
      ),
    )
    start = end
  }
  // An empty line is as high as any other, and is copied as one.
  return parts.length === 0 ? '\n' : parts
}
