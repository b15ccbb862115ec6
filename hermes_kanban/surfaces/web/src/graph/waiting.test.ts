import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '../api/types.ts'
import { about, needsYou, type Part, toGo, waitsFor } from './waiting.ts'

function node(id: string, status: string, over: Partial<Node> = {}): Node {
  return { id, status, assignee: 'backend', block_kind: null, ...over } as Node
}

function said(parts: Part[]): string {
  return parts.map((part) => (typeof part === 'string' ? part : part.id)).join('')
}

test('what is left is told as people tell it', () => {
  assert.equal(about(20), '1 min')
  assert.equal(about(2_400), '40 min')
  assert.equal(about(7_860), '2 h 10 min')
  assert.equal(about(7_140), '2 h')
  assert.equal(about(97_000), '1 d 3 h')
})

test('the sentence counts the chain, and says nothing of time where nothing is known', () => {
  const nodes = [node('a', 'running'), node('b', 'todo')]
  assert.equal(toGo(nodes, 2, 1_200), '2 tasks to go, one after the other, about 20 min.')
  assert.equal(toGo(nodes, 1, null), '1 task to go.')
  assert.equal(toGo([node('a', 'done'), node('b', 'archived')], 0, 0), 'All 2 tasks are done.')
})

test('what it waits for names the task, who has it, and since when', () => {
  const at = new Date(2026, 10, 29, 14, 2).getTime() / 1_000
  const runs = said(waitsFor(node('t_k7f3', 'running'), at, at + 60))
  assert.equal(runs, 'Waits for t_k7f3, which backend runs since 14:02.')
  const nobody = said(waitsFor(node('t_a', 'ready', { assignee: null }), undefined, at))
  assert.equal(nobody, 'Waits for t_a, which is ready and assigned to nobody.')
  const asks = node('t_b', 'blocked', { block_kind: 'needs_input' })
  assert.equal(said(waitsFor(asks, undefined, at)), 'Waits for an answer to t_b.')
})

test('who else needs a person is named, the first three of them', () => {
  const nodes = ['a', 'b', 'c', 'd', 'e'].map((id) => node(id, 'review'))
  assert.equal(said(needsYou(nodes, 'a')), '4 more need you: b, c, d and 1 more.')
  assert.equal(said(needsYou(nodes.slice(0, 2), 'a')), 'One more needs you: b.')
  assert.deepEqual(needsYou([node('a', 'blocked', { block_kind: 'transient' })], undefined), [])
})
