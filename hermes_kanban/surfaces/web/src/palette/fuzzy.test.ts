import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ranked, score } from './fuzzy.ts'

const COMMANDS = [
  'Go to the board',
  'Go to the timeline',
  'Go to metrics',
  'Dark theme',
  'Compact cards',
  'Pause the board',
]
const find = (typed: string) => ranked(typed, COMMANDS, (one) => one)

test('what is typed in whole comes first, by beginnings of words too', () => {
  assert.equal(find('time')[0], 'Go to the timeline')
  assert.equal(find('board')[0], 'Go to the board')
  assert.equal(find('gttim')[0], 'Go to the timeline')
  assert.equal(find('dark')[0], 'Dark theme')
  assert.deepEqual(find('pause'), ['Pause the board'])
})

test('nothing typed leaves everything in its order', () => {
  assert.deepEqual(find(''), COMMANDS)
  assert.deepEqual(find('  '), COMMANDS)
})

test('letters strewn about, or in another order, are no match', () => {
  assert.deepEqual(find('rotate'), [])
  assert.equal(score('krad', 'Dark theme'), null)
  assert.equal(score('oae', 'Go to the board'), null)
})
