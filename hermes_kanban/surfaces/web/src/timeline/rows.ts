/** Runs as bars: whose row, which lane of it, and where a label has room. */

import type { Bar } from '@/api/types'
import { lookOf } from '../runs/outcomes.ts'

export interface Placed {
  bar: Bar
  /** Fractions of the span. */
  left: number
  width: number
  lane: number
  label: 'inside' | 'left' | 'none'
  /** Whether the shape of its outcome has room. */
  shape: boolean
}

export interface Row {
  name: string
  lanes: number
  bars: Placed[]
}

export interface Frame {
  start: number
  end: number
  now: number
  /** Pixels that the span is wide. */
  pixels: number
}

/** A bar is never narrower: it could not be seen, nor hit. */
const NARROWEST = 6
const APART = 2
const ICON = 26
const LETTER = 6.6
const ID_LETTERS = 9
const SHAPE = 16

/** Who runs are told of: the profile, or whoever took the task by hand. */
export function whose(bar: Bar): string {
  return bar.profile ?? bar.claimer
}

/** When a run ended, or now. */
export function endOf(bar: Bar, now: number): number {
  return bar.ended_at ?? Math.max(now, bar.started_at)
}

/** The rows by name; runs of one profile at the same time are in lanes below each other. */
export function rowsOf(bars: readonly Bar[], frame: Frame): Row[] {
  const byName = new Map<string, Bar[]>()
  for (const bar of bars) {
    if (bar.started_at > frame.end || endOf(bar, frame.now) < frame.start) continue
    const name = whose(bar)
    byName.set(name, [...(byName.get(name) ?? []), bar])
  }
  return [...byName]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, theirs]) => row(name, theirs, frame))
}

function row(name: string, bars: Bar[], frame: Frame): Row {
  const perSecond = frame.pixels / (frame.end - frame.start)
  const ends: number[] = []
  const placed: Placed[] = []
  for (const bar of bars.sort((a, b) => a.started_at - b.started_at || a.run_id - b.run_id)) {
    const from = Math.max(0, (bar.started_at - frame.start) * perSecond)
    const to = Math.min(frame.pixels, (endOf(bar, frame.now) - frame.start) * perSecond)
    const width = Math.max(NARROWEST, to - from)
    const free = ends.findIndex((end) => end + APART <= from)
    const lane = free < 0 ? ends.length : free
    const before = ends[lane] ?? 0
    ends[lane] = from + width
    placed.push({
      bar,
      left: from / frame.pixels,
      width: width / frame.pixels,
      lane,
      label: labelOf(width, from - before),
      shape: width >= SHAPE,
    })
  }
  return { name, lanes: Math.max(1, ends.length), bars: placed }
}

function labelOf(width: number, roomBefore: number): Placed['label'] {
  if (width >= ICON + ID_LETTERS * LETTER) return 'inside'
  return roomBefore >= ID_LETTERS * LETTER + 8 ? 'left' : 'none'
}

export interface Totals {
  runs: number
  live: number
  completed: number
  failed: number
  /** Failed runs whose task had another run after. */
  retried: number
  dollars: number
  tokens: number
}

/** What the runs add up to. */
export function totalsOf(bars: readonly Bar[]): Totals {
  const last = new Map<string, number>()
  for (const bar of bars) {
    last.set(bar.task_id, Math.max(last.get(bar.task_id) ?? 0, bar.run_id))
  }
  const totals = { runs: 0, live: 0, completed: 0, failed: 0, retried: 0, dollars: 0, tokens: 0 }
  for (const bar of bars) {
    const look = lookOf(bar.outcome)
    totals.runs += 1
    if (look === 'running') totals.live += 1
    if (look === 'done') totals.completed += 1
    if (look === 'failed') {
      totals.failed += 1
      if ((last.get(bar.task_id) ?? 0) > bar.run_id) totals.retried += 1
    }
    totals.dollars += bar.cost_usd ?? 0
    totals.tokens += bar.tokens ?? 0
  }
  return totals
}

export type Arrow = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown'

/** The run that an arrow leads to: before or after in its row, or nearest in time in another. */
export function stepTo(rows: readonly Row[], from: number, arrow: Arrow): number | null {
  const at = rows.findIndex((one) => one.bars.some(({ bar }) => bar.run_id === from))
  const here = rows[at]
  const place = here?.bars.findIndex(({ bar }) => bar.run_id === from) ?? -1
  const bar = here?.bars[place]
  if (here === undefined || bar === undefined) return null
  if (arrow === 'ArrowLeft') return here.bars[place - 1]?.bar.run_id ?? null
  if (arrow === 'ArrowRight') return here.bars[place + 1]?.bar.run_id ?? null
  const other = rows[at + (arrow === 'ArrowDown' ? 1 : -1)]
  if (other === undefined) return null
  const middle = (one: Placed) => one.left + one.width / 2
  const sorted = other.bars.toSorted(
    (a, b) => Math.abs(middle(a) - middle(bar)) - Math.abs(middle(b) - middle(bar)),
  )
  return sorted[0]?.bar.run_id ?? null
}
