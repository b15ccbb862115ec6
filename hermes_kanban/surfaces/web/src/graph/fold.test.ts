import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '../api/types.ts'
import { fold } from './fold.ts'
import { layOut } from './layout.ts'

function nodes(done: string, open: string): Node[] {
  return [
    ...done.split(' ').map((id) => ({ id, status: 'done' }) as Node),
    ...open.split(' ').map((id) => ({ id, status: 'todo' }) as Node),
  ]
}

function links(...pairs: string[]) {
  return pairs.map((pair) => {
    const [parent_id = '', child_id = ''] = pair.split('>')
    return { parent_id, child_id }
  })
}

test('a small graph stays as it is', () => {
  const all = nodes('a b', 'c')
  const joints = links('a>b', 'b>c')
  const folded = fold(all, joints)
  assert.deepEqual(folded.ids, ['a', 'b', 'c'])
  assert.equal(folded.links, joints)
})

test('each branch of what is done becomes one node, and what is open stays', () => {
  const all = nodes('a b c x', 'd e')
  const folded = fold(all, links('a>b', 'b>c', 'b>d', 'c>d', 'd>e', 'x>e'), new Set(), 3)
  assert.deepEqual(folded.ids, ['fold:a', 'x', 'd', 'e'])
  assert.deepEqual(folded.folds.get('fold:a'), ['a', 'b', 'c'])
  assert.deepEqual(folded.links, links('fold:a>d', 'd>e', 'x>e'))
})

test('a fold that was opened is drawn in full', () => {
  const all = nodes('a b', 'd e')
  const folded = fold(all, links('a>b', 'b>d', 'd>e'), new Set(['fold:a']), 3)
  assert.deepEqual(folded.ids, ['a', 'b', 'd', 'e'])
})

test('what is done behind something open closes no cycle', () => {
  const all = nodes('a c', 'b d')
  const folded = fold(all, links('a>b', 'b>c', 'a>c', 'c>d'), new Set(), 3)
  assert.deepEqual(folded.links, links('fold:a>b', 'fold:a>d'))
  assert.equal(layOut(folded.ids, folded.links).levels, 2)
})
