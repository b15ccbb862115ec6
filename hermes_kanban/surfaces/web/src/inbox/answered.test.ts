import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../api/types.ts'
import { answersAmong } from './answered.ts'

let id = 0
function event(kind: string, actor: string, payload: object, runId: number | null = null): Event {
  id += 1
  return {
    id,
    task_id: 't_abc234',
    run_id: runId,
    kind,
    actor,
    payload: payload as Event['payload'],
    created_at: 1_000 + id,
  }
}

test('an answer is told with what was asked, the newest first', () => {
  const found = answersAmong([
    event('blocked', 'profile:backend', { reason: '30 or 90?', task: { status: 'blocked' } }),
    event('unblocked', 'person:mara', { reason: '30 days', task: { status: 'ready' } }),
    event('review_requested', 'profile:backend', {
      task: { status: 'review' },
      run: { summary: 'Nine files.' },
    }),
    event('changes_requested', 'person:jonas', { comment: 'Skew?', task: { status: 'ready' } }),
  ])
  assert.deepEqual(
    found.map(({ by, did, said, asked }) => [by, did, said, asked]),
    [
      ['person:jonas', 'requested changes', 'Skew?', 'Nine files.'],
      ['person:mara', 'answered', '30 days', '30 or 90?'],
    ],
  )
})

test('only people answer, and finished work is no answer', () => {
  const found = answersAmong([
    event('unblocked', 'system', { task: { status: 'ready' } }),
    event('completed', 'person:mara', { task: { status: 'done' } }),
  ])
  assert.deepEqual(found, [])
})

test('a late result is asked for its own run, and what lies too far back is not guessed', () => {
  const found = answersAmong([
    event('fenced', 'profile:backend', { verb: 'complete', summary: 'Two files.' }, 7),
    event('completed', 'person:mara', { from_run_id: 7, task: { status: 'done' } }),
    event('approved', 'person:mara', { task: { status: 'done' } }),
  ])
  assert.deepEqual(
    found.map(({ did, asked }) => [did, asked]),
    [
      ['approved', null],
      ['adopted the late result', 'Two files.'],
    ],
  )
})
