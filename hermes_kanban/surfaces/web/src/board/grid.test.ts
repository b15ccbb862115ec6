import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beside, columnBeside, columnIds, firstCard, type GridList } from './grid.ts'

const list = (column: string, row: number, ...ids: string[]): GridList => ({
  column,
  row,
  ids: () => ids,
  has: (id) => ids.includes(id),
  reveal: () => undefined,
})
const COLUMNS = ['todo', 'ready', 'running', 'done']
const LISTS = [
  list('ready', 1, 'c'),
  list('ready', 0, 'a', 'b'),
  list('running', 0),
  list('done', 0, 'd'),
]

test('keys go down a column through its lanes, and stop at its ends', () => {
  assert.deepEqual(columnIds(LISTS, 'ready'), ['a', 'b', 'c'])
  assert.equal(beside(LISTS, 'ready', 'b', 1), 'c')
  assert.equal(beside(LISTS, 'ready', 'c', 1), null)
  assert.equal(beside(LISTS, 'ready', 'a', -1), null)
})

test('keys go over empty columns', () => {
  assert.equal(columnBeside(LISTS, COLUMNS, 'ready', 1), 'done')
  assert.equal(columnBeside(LISTS, COLUMNS, 'ready', -1), null)
  assert.equal(firstCard(LISTS, COLUMNS), 'a')
})
