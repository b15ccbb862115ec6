import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Bar } from '../api/types.ts'
import { rowsOf, stepTo, totalsOf } from './rows.ts'
import { load, stairs } from './slots.ts'
import { chosen, moved, spanOf, ticks } from './span.ts'

const NOW = 1_000_000

function bar(run_id: number, from: number, to: number | null, over: Partial<Bar> = {}): Bar {
  return {
    run_id,
    task_id: `t_${run_id}`,
    title: 'Task',
    profile: 'backend',
    claimer: 'host',
    started_at: NOW - from,
    ended_at: to === null ? null : NOW - to,
    exited_at: to === null ? null : NOW - to,
    outcome: to === null ? null : 'completed',
    cost_usd: null,
    tokens: null,
    ...over,
  }
}

const frame = { start: NOW - 1_000, end: NOW, now: NOW, pixels: 1_000 }

test('a span follows the clock until it is moved, and again when it comes back', () => {
  const asked = new URLSearchParams('span=1h&task=t_a')
  const span = spanOf(asked, NOW)
  assert.equal(span.follows, true)
  assert.equal(span.end - span.start, 3_600)
  assert.ok(span.end > NOW)
  const back = moved(asked, span, -7_200, NOW)
  assert.equal(spanOf(back, NOW).follows, false)
  assert.equal(back.get('task'), 't_a')
  const again = moved(back, spanOf(back, NOW), 7_200, NOW)
  assert.equal(again.get('to'), null)
})

test('a span of ones own is what the address says, within reason', () => {
  const own = spanOf(new URLSearchParams('from=100&to=4000'), NOW)
  assert.deepEqual([own.name, own.start, own.end], ['custom', 100, 4_000])
  assert.equal(spanOf(new URLSearchParams('from=9&to=3'), NOW).name, '6h')
  assert.equal(spanOf(new URLSearchParams('span=year&to=x'), NOW).name, '6h')
  assert.equal(spanOf(new URLSearchParams('from=0&to=999999999999'), NOW).end, 999_999_999_999)
  const shown = chosen(new URLSearchParams('span=day'), own, 'custom')
  assert.equal(shown.toString(), 'from=100&to=4000')
  assert.equal(chosen(shown, own, 'week').toString(), 'span=week')
})

test('the axis has its marks at round times of the zone', () => {
  assert.deepEqual(ticks(0, 3_600, 4, 0), [0, 900, 1_800, 2_700, 3_600])
  assert.deepEqual(ticks(0, 86_400 * 2, 3, 3_600), [82_800, 82_800 + 86_400])
})

test('runs at the same time have lanes of their own, and rows are by name', () => {
  const rows = rowsOf(
    [
      bar(1, 900, 500),
      bar(2, 600, 300),
      bar(3, 290, null),
      bar(4, 800, 700, { profile: 'api' }),
      bar(5, 5_000, 4_000),
      bar(6, 50, 20, { profile: null, claimer: 'person:mara' }),
    ],
    frame,
  )
  assert.deepEqual(
    rows.map((row) => [row.name, row.lanes]),
    [
      ['api', 1],
      ['backend', 2],
      ['person:mara', 1],
    ],
  )
  assert.deepEqual(
    rows[1]?.bars.map((one) => [one.bar.run_id, one.lane]),
    [
      [1, 0],
      [2, 1],
      [3, 0],
    ],
  )
})

test('a label is inside where it has room, else before the bar, else nowhere', () => {
  const [row] = rowsOf([bar(1, 900, 700), bar(2, 600, 580), bar(3, 575, 570)], frame)
  assert.deepEqual(
    row?.bars.map((one) => one.label),
    ['inside', 'left', 'none'],
  )
})

test('a run at work reaches up to now, and a short one can be seen', () => {
  const [row] = rowsOf([bar(1, 400, null), bar(2, 900, 900)], frame)
  assert.deepEqual(
    row?.bars.map((one) => [one.left, one.width]),
    [
      [0.1, 0.006],
      [0.6, 0.4],
    ],
  )
})

test('arrows walk the runs of a row and between rows', () => {
  const rows = rowsOf(
    [bar(1, 900, 800), bar(2, 300, 200), bar(3, 280, 210, { profile: 'z' })],
    frame,
  )
  assert.equal(stepTo(rows, 1, 'ArrowRight'), 2)
  assert.equal(stepTo(rows, 1, 'ArrowLeft'), null)
  assert.equal(stepTo(rows, 1, 'ArrowDown'), 3)
  assert.equal(stepTo(rows, 3, 'ArrowUp'), 2)
  assert.equal(stepTo(rows, 77, 'ArrowUp'), null)
})

test('totals count what ended how, and what failed and was tried again', () => {
  const totals = totalsOf([
    bar(1, 9, 8, { outcome: 'crashed', task_id: 't_a', cost_usd: 0.5, tokens: 10 }),
    bar(2, 7, 6, { task_id: 't_a', cost_usd: 0.25 }),
    bar(3, 5, 4, { outcome: 'timed_out' }),
    bar(4, 3, null),
  ])
  assert.deepEqual(totals, {
    runs: 4,
    live: 1,
    completed: 1,
    failed: 2,
    retried: 1,
    dollars: 0.75,
    tokens: 10,
  })
})

test('places are taken from the start of a run until its process is gone', () => {
  const bars = [bar(1, 2_000, 600), bar(2, 800, 500, { exited_at: NOW - 400 }), bar(3, 100, null)]
  const found = stairs(bars, NOW - 1_000, NOW + 50, NOW)
  assert.deepEqual(
    found.map(({ at, taken }) => [NOW - at, taken]),
    [
      [1_000, 1],
      [800, 2],
      [600, 1],
      [400, 0],
      [100, 1],
    ],
  )
  assert.deepEqual(load(found, NOW), { peak: 2, mean: 0.9 })
  assert.deepEqual(load(stairs([], 0, 10, 10), 10), { peak: 0, mean: 0 })
})
