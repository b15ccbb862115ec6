import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Card, CardPage } from '../api/types.ts'
import { belongs, compare, type Order, type Pages, place, remove } from './cardlists.ts'

function card(seq: number, over: Partial<Card> = {}): Card {
  return {
    id: `t_${seq}`,
    seq,
    status: 'todo',
    assignee: null,
    tenant: null,
    priority: 0,
    effective_priority: 0,
    completed_at: null,
    ...over,
  } as Card
}

function page(cards: Card[], after: string | null): CardPage {
  return { cards, after, cursor: 1 }
}

function pages(...all: CardPage[]): Pages {
  return { pages: all, pageParams: all.map(() => null) }
}

function ids(of: Pages): string[] {
  return of.pages.flatMap((one) => one.cards.map((found) => found.id))
}

test('a card is put where the order of the server has it', () => {
  const list = pages(page([card(1), card(3)], 'x'), page([card(5)], null))
  assert.deepEqual(ids(place(list, card(4), true)), ['t_1', 't_3', 't_4', 't_5'])
  assert.deepEqual(ids(place(list, card(9), true)), ['t_1', 't_3', 't_5', 't_9'])
})

test('a card beyond what was read is left to the page that will have it', () => {
  const list = pages(page([card(1), card(3)], 'x'))
  assert.deepEqual(ids(place(list, card(9), true)), ['t_1', 't_3'])
  assert.deepEqual(ids(place(list, card(2), true)), ['t_1', 't_2', 't_3'])
})

test('a card that moved is there once', () => {
  const list = pages(page([card(1, { effective_priority: 9 }), card(2)], null))
  const moved = place(list, card(1, { effective_priority: -1 }), true, 'queue')
  assert.deepEqual(ids(moved), ['t_2', 't_1'])
})

test('a card that no longer belongs is gone, and another list stays the same object', () => {
  const list = pages(page([card(1), card(2)], null))
  assert.deepEqual(ids(place(list, card(1), false)), ['t_2'])
  assert.equal(place(list, card(7), false), list)
  assert.equal(remove(list, 't_7'), list)
})

test('who belongs is told as the server tells it, or not at all', () => {
  assert.equal(belongs(card(1), {}), true)
  assert.equal(belongs(card(1, { status: 'archived' }), {}), false)
  assert.equal(belongs(card(1), { status: ['done'] }), false)
  assert.equal(belongs(card(1), { assignee: ['-'] }), true)
  assert.equal(belongs(card(1, { assignee: 'a' }), { assignee: ['-', 'b'] }), false)
  assert.equal(belongs(card(1, { priority: 1 }), { min_priority: 2 }), false)
  assert.equal(belongs(card(1), { text: 'x' }), null)
})

test('each order is total and its own reverse', () => {
  const orders: Order[] = ['oldest', 'newest', 'queue', 'completed']
  const a = card(1, { effective_priority: 2, completed_at: 7 })
  const b = card(2, { effective_priority: 1, completed_at: 8 })
  for (const order of orders) {
    assert.equal(Math.sign(compare(a, b, order)), -Math.sign(compare(b, a, order)))
    assert.notEqual(compare(a, b, order), 0)
    assert.equal(compare(a, a, order), 0)
  }
})
