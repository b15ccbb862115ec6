import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Card } from '../../api/types.ts'
import { landingPlace, liftedWords, overWords } from './landing.ts'

function card(id: string, seq: number, rest: Partial<Card> = {}): Card {
  return { id, seq, effective_priority: 0, completed_at: null, ...rest } as Card
}

test('a card lands where the order of its column puts it', () => {
  const ready = [card('a', 1, { effective_priority: 3 }), card('b', 4), card('c', 9)]
  assert.equal(landingPlace(ready, card('x', 6), 'ready', 'queue', 100), 2)
  assert.equal(
    landingPlace(ready, card('x', 6, { effective_priority: 4 }), 'ready', 'queue', 100),
    0,
  )
  assert.equal(landingPlace(ready, card('x', 20), 'ready', 'queue', 100), 3)
})

test('what is done now comes first in Done', () => {
  const done = [card('a', 9, { completed_at: 90 }), card('b', 8, { completed_at: 50 })]
  assert.equal(landingPlace(done, card('x', 1), 'done', 'completed', 100), 0)
})

test('a card that is there already keeps its own place', () => {
  const all = [card('a', 1), card('b', 2), card('c', 3)]
  assert.equal(landingPlace(all, card('b', 2), 'todo', 'oldest', 0), 1)
})

test('a lift, a place and a refusal are said in words', () => {
  assert.equal(liftedWords('t_h3zb', 'ready', 0, 4), 't_h3zb lifted. Ready, 1 of 4.')
  assert.equal(overWords('blocked', null, 'reason', 1, 5), 'Blocked, 2 of 5. Needs a reason.')
  assert.equal(
    overWords('running', 'only the dispatcher starts a task', null, 0, 1),
    'Running: not possible, only the dispatcher starts a task.',
  )
})
