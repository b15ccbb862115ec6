import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AttentionItem } from '../api/types.ts'
import { kindOf, nextIndex, oldestFirst, sentenceOn } from './items.ts'

function item(given: Omit<Partial<AttentionItem>, 'card'> & { card?: object }): AttentionItem {
  const card = { id: 't_abc234', assignee: 'backend', block_kind: 'needs_input', ...given.card }
  return {
    kind: 'question',
    since: 0,
    text: '',
    run_id: 1,
    verbs: [],
    choices: [],
    ...given,
    card,
  } as AttentionItem
}

test('what waits longest comes first, late results among the others', () => {
  const late = [item({ kind: 'late_result', since: 20 })]
  const pages = [
    { items: [item({ since: 30 })], late },
    { items: [item({ since: 10, kind: 'review' })], late },
  ]
  assert.deepEqual(
    oldestFirst(pages).map((one) => one.kind),
    ['review', 'late_result', 'question'],
  )
})

test('a right that is missing is no question', () => {
  const lacks = item({ card: { block_kind: 'capability' } })
  assert.equal(kindOf(lacks), 'access')
  assert.match(sentenceOn(lacks), /^backend lacks a capability/)
})

test('the next takes the place of what left, the last but one that of the last', () => {
  assert.deepEqual([nextIndex(1, 3), nextIndex(3, 3), nextIndex(0, 0)], [1, 2, 0])
})
