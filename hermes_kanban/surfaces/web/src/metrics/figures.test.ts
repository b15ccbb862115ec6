import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Trends } from '../api/types.ts'
import { axis, daysOf, named, percent, sumsOf } from './figures.ts'

test('an axis has a few round numbers, from nought to above the most', () => {
  assert.deepEqual(axis(0), [0, 1])
  assert.deepEqual(axis(3), [0, 1, 2, 3])
  assert.deepEqual(axis(9), [0, 5, 10])
  assert.deepEqual(axis(37), [0, 10, 20, 30, 40])
  for (const most of [1, 2, 7, 11, 99, 100, 101, 1_234, 98_765]) {
    const found = axis(most)
    assert.ok((found.at(-1) ?? 0) >= most && found.length <= 6, `${most}: ${found}`)
    assert.ok(found.every(Number.isInteger))
  }
})

test('days are named from the last one back, as far as there is room', () => {
  const isNamed = named(30, 6)
  assert.equal(isNamed(29), true)
  assert.equal(isNamed(28), false)
  assert.equal([...Array(30).keys()].filter(isNamed).length, 6)
  assert.equal([...Array(7).keys()].filter(named(7, 14)).length, 7)
})

test('what the span adds up to, where a profile tells no cost too', () => {
  const profile = { profile: 'a', runs: 2, failures: 1, seconds: 9, cost_usd: null, tokens: 5 }
  const trends = {
    days: [
      { start: 0, created: 2, completed: 1 },
      { start: 1, created: 0, completed: 3 },
    ],
    profiles: [profile, { ...profile, cost_usd: 1.5, tokens: null }],
  } as unknown as Trends
  assert.deepEqual(sumsOf(trends), {
    created: 2,
    completed: 4,
    dollars: 1.5,
    tokens: 5,
    runs: 4,
    failures: 2,
  })
})

test('the address says how many days, and nothing else does', () => {
  assert.equal(daysOf(new URLSearchParams('days=90')), '90')
  assert.equal(daysOf(new URLSearchParams('days=5000')), '14')
  assert.equal(percent(3, 0), '0%')
  assert.equal(percent(9, 3), '100%')
})
