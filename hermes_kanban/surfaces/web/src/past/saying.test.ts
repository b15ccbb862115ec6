import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../api/types.ts'
import { boardWords, fieldWords, said } from './saying.ts'

const tell = (at: number) => `at ${at}`

test('a changed value fits in a line, whatever it is', () => {
  assert.equal(said('assignee', null, tell), 'none')
  assert.equal(said('skills', [], tell), 'none')
  assert.equal(said('skills', ['a', 'b'], tell), 'a, b')
  assert.equal(said('completed_at', 7, tell), 'at 7')
  assert.equal(said('priority', 7, tell), '7')
  assert.equal(said('body', 'one\n two', tell), 'one two')
  assert.equal(said('body', 'x'.repeat(500), tell).length, 60)
  assert.equal(fieldWords('block_reason'), 'block reason')
  assert.equal(fieldWords('completed_at'), 'completed')
})

test('an event of the board says of what it is, and of a host of which', () => {
  const words = (kind: string, payload: object) => boardWords({ kind, payload } as unknown as Event)
  assert.equal(words('paused', { board: {} }), 'Board paused')
  const host = { host_id: 'id-of-rack', name: 'rack' }
  assert.equal(words('host_drained', { host }), 'Host rack drained')
})
