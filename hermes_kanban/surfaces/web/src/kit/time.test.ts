import assert from 'node:assert/strict'
import { test } from 'node:test'
import { duration, fieldTime, timeOfField } from './time.ts'

test('a length of time is told in two units at most', () => {
  assert.deepEqual([59, 60, 3_540, 3_600, 7_500, 86_400, 273_600].map(duration), [
    '59 s',
    '1 min',
    '59 min',
    '1 h',
    '2 h 5 min',
    '1 d',
    '3 d 4 h',
  ])
})

test('what a field of the browser is given it gives back, to the minute', () => {
  assert.equal(timeOfField(fieldTime(1_700_000_040)), 1_700_000_040)
  assert.equal(timeOfField(''), null)
})
