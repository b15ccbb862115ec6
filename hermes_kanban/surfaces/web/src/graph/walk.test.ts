import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layOut } from './layout.ts'
import { step } from './walk.ts'

const links = ['p>a', 'p>b', 'p>c', 'b>d'].map((pair) => {
  const [parent_id = '', child_id = ''] = pair.split('>')
  return { parent_id, child_id }
})
const layout = layOut(['p', 'a', 'b', 'c', 'd'], links)

test('the arrows lead along links and through a level, and stop at the ends', () => {
  assert.equal(step(layout, links, 'p', 'ArrowRight'), 'b')
  assert.equal(step(layout, links, 'b', 'ArrowRight'), 'd')
  assert.equal(step(layout, links, 'd', 'ArrowRight'), null)
  assert.equal(step(layout, links, 'a', 'ArrowLeft'), 'p')
  assert.equal(step(layout, links, 'b', 'ArrowUp'), 'a')
  assert.equal(step(layout, links, 'b', 'ArrowDown'), 'c')
  assert.equal(step(layout, links, 'c', 'ArrowDown'), null)
  assert.equal(step(layout, links, 'gone', 'ArrowUp'), null)
})
