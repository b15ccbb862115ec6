import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node } from '../api/types.ts'
import { criticalPath, left, type Usual, usualOf } from './critical.ts'

function node(id: string, over: Partial<Node> = {}): Node {
  return { id, status: 'todo', assignee: null, block_kind: null, ...over } as Node
}

function links(...pairs: string[]) {
  return pairs.map((pair) => {
    const [parent_id = '', child_id = ''] = pair.split('>')
    return { parent_id, child_id, released_at: null as number | null }
  })
}

const ten: Usual = { all: 600, of: new Map([['slow', 3_600]]) }
const weigh = (one: Node) => left(one, ten, 1_000)

test('the longest chain of open tasks is that of the most work, not of the most tasks', () => {
  const nodes = ['a', 'b', 'c', 'd'].map((id) => node(id))
  nodes.push(node('long', { assignee: 'slow' }))
  const found = criticalPath(nodes, links('a>b', 'b>c', 'a>long', 'c>d'), weigh)
  assert.deepEqual(found, { ids: ['a', 'long'], seconds: 4_200 })
  const many = criticalPath(nodes.slice(0, 4), links('a>b', 'b>c', 'c>d'), weigh)
  assert.deepEqual(many, { ids: ['a', 'b', 'c', 'd'], seconds: 2_400 })
})

test('what is done, archived or released holds nothing back', () => {
  const nodes = [
    node('plan', { status: 'done' }),
    node('a'),
    node('gone', { status: 'archived' }),
    node('b'),
  ]
  const found = criticalPath(nodes, links('plan>a', 'a>gone', 'gone>b'), weigh)
  assert.deepEqual(found, { ids: ['a'], seconds: 600 })
  const released = links('a>b')
  released[0] = { parent_id: 'a', child_id: 'b', released_at: 7 }
  assert.equal(criticalPath(nodes, released, weigh).ids.length, 1)
  assert.deepEqual(criticalPath([node('x', { status: 'done' })], [], weigh).ids, [])
})

test('of a running task what it has run is taken off, down to a minute', () => {
  const running = node('a', { status: 'running' })
  assert.equal(left(running, ten, 1_000, 800), 400)
  assert.equal(left(running, ten, 9_000, 800), 60)
  assert.equal(left(node('a', { status: 'review' }), ten, 1_000), 60)
})

test('a profile tells how long its tasks take once it has run three times', () => {
  const usual = usualOf({
    work: { p50: 500 },
    profiles: [
      { profile: 'backend', runs: 4, seconds: 400 },
      { profile: 'docs', runs: 2, seconds: 9_999 },
      { profile: null, runs: 9, seconds: 9 },
    ],
  })
  assert.equal(left(node('a', { assignee: 'backend' }), usual, 0), 100)
  assert.equal(left(node('a', { assignee: 'docs' }), usual, 0), 500)
  assert.equal(usualOf(undefined).all, null)
})

test('a chain of thousands is followed to its end', () => {
  const nodes = Array.from({ length: 20_000 }, (_, at) => node(`t${at}`))
  const chain = nodes.slice(1).map((one, at) => ({ parent_id: `t${at}`, child_id: one.id }))
  assert.equal(criticalPath(nodes, chain, () => 1).ids.length, 20_000)
})
