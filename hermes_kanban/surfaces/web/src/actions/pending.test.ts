import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Card } from '../api/types.ts'
import { begin, drop, overlaid, pendingOf, settle, through, toldBy } from './pending.ts'

function card(id: string, changes: Partial<Card> = {}): Card {
  return { id, status: 'ready', assignee: null, priority: 0, title: id, ...changes } as Card
}

test('a refused change leaves the card as the board told it meanwhile', () => {
  const entry = begin('b', 't_1', { status: 'blocked' }, card('t_1'))
  assert.equal(overlaid('b', card('t_1')).status, 'blocked')
  const told = through('b', card('t_1', { title: 'New words' }))
  assert.deepEqual([told.status, told.title], ['blocked', 'New words'])
  const back = drop(entry)
  assert.deepEqual([back?.status, back?.title], ['ready', 'New words'])
  assert.equal(pendingOf('b', 't_1'), undefined)
})

test('of two changes to a task the second stays when the first is refused', () => {
  const first = begin('b', 't_2', { assignee: 'docs' }, card('t_2'))
  const second = begin('b', 't_2', { priority: 3 }, card('t_2'))
  const shown = drop(first)
  assert.deepEqual([shown?.assignee, shown?.priority], [null, 3])
  drop(second)
})

test('a change that the server took ends with the events that tell it, and no sooner', () => {
  const entry = begin('b', 't_3', { status: 'ready' }, card('t_3', { status: 'triage' }))
  assert.deepEqual(toldBy('b', 99), [])
  settle(entry, 41, { status: 'todo' })
  assert.equal(pendingOf('b', 't_3')?.change.status, 'todo')
  assert.deepEqual(toldBy('b', 40), [])
  assert.deepEqual(toldBy('other', 41), [])
  assert.deepEqual(toldBy('b', 41), [entry])
  drop(entry)
})

test('what is pending is the same object until it changes', () => {
  const entry = begin('b', 't_4', { priority: 1 }, null)
  assert.equal(pendingOf('b', 't_4'), pendingOf('b', 't_4'))
  assert.equal(drop(entry), null)
})
