import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOf, spread, startOf, withAt } from './moment.ts'

test('the address names a moment that is over, or none', () => {
  assert.equal(atOf(new URLSearchParams('at=500'), 1_000), 500)
  assert.equal(atOf(new URLSearchParams('at=1000'), 1_000), null)
  assert.equal(atOf(new URLSearchParams('at=-5'), 1_000), null)
  assert.equal(atOf(new URLSearchParams(''), 1_000), null)
  assert.equal(withAt(new URLSearchParams('was=t_a'), 7.4).toString(), 'was=t_a&at=7')
  assert.equal(withAt(new URLSearchParams('at=7'), null).toString(), '')
})

test('the slider reaches as far as the window, the board and the moment do', () => {
  const now = 1_000_000
  assert.equal(startOf('all', null, 5, now), 5)
  assert.equal(startOf('hour', null, 5, now), now - 3_600)
  assert.equal(startOf('hour', now - 9_999, 5, now), now - 9_999)
  assert.equal(startOf('hour', null, now - 60, now), now - 60)
  assert.equal(startOf('all', null, now, now), now - 1)
})

test('moments are counted where they lie', () => {
  assert.deepEqual(spread([0, 1, 5, 10, 11, -1], 0, 10, 5), [2, 0, 1, 0, 1])
  assert.deepEqual(spread([3], 3, 3, 2), [1, 0])
})
