import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../api/types.ts'
import { withChanges } from './fieldChanges.ts'
import { secondsIn, spanWords } from './spans.ts'

function event(id: number, task: Record<string, unknown>): Event {
  const payload = { task } as unknown as Event['payload']
  return { id, task_id: 't_a', run_id: null, kind: 'edited', actor: 'x', payload, created_at: id }
}

test('an event tells what a field held before', () => {
  const told = withChanges([
    event(1, { title: 'A', status: 'ready', seq: 1 }),
    event(2, { title: 'B' }),
    event(3, { title: 'B', assignee: null }),
  ])
  assert.deepEqual(
    told.map(({ changes }) => changes),
    [
      [
        { field: 'title', before: null, after: 'A' },
        { field: 'status', before: null, after: 'ready' },
      ],
      [{ field: 'title', before: 'A', after: 'B' }],
      [],
    ],
  )
})

test('spans are read as they are written', () => {
  for (const seconds of [45, 60, 3_600, 5_400, 7_200, 9_000, 3_661]) {
    assert.equal(secondsIn(spanWords(seconds)), seconds)
  }
  assert.equal(secondsIn('45'), 2_700)
  assert.equal(secondsIn('soon'), null)
  assert.equal(secondsIn(''), null)
})
