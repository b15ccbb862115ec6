import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Joint, type Layout, layOut, SIZES } from './layout.ts'

function joints(...pairs: string[]): Joint[] {
  return pairs.map((pair) => {
    const [parent_id = '', child_id = ''] = pair.split('>')
    return { parent_id, child_id }
  })
}

function at(layout: Layout, id: string) {
  const found = layout.spots.get(id)
  assert.ok(found, `${id} stands nowhere`)
  return found
}

function overlaps(layout: Layout): string[] {
  const all = [...layout.spots]
  return all.flatMap(([one, a], index) =>
    all
      .slice(index + 1)
      .filter(([, b]) => a.x === b.x && Math.abs(a.y - b.y) < SIZES.height + SIZES.down - 1)
      .map(([other]) => `${one} ${other}`),
  )
}

test('each task stands to the right of all that it waits for', () => {
  const links = joints('a>b', 'b>c', 'a>c', 'c>d', 'x>d')
  const layout = layOut(['a', 'b', 'c', 'd', 'x'], links)
  for (const { parent_id, child_id } of links) {
    assert.ok(at(layout, parent_id).level < at(layout, child_id).level)
  }
  // What waits for nothing stands next to what waits for it.
  assert.equal(at(layout, 'x').level, 2)
  assert.equal(layout.levels, 4)
  assert.equal(layout.width, 4 * SIZES.width + 3 * SIZES.across)
})

test('a chain is a straight line, and children stand around their parent', () => {
  const chain = layOut(['a', 'b', 'c'], joints('a>b', 'b>c'))
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => at(chain, id).y),
    [0, 0, 0],
  )
  const fan = layOut(['p', 'a', 'b', 'c'], joints('p>a', 'p>b', 'p>c'))
  assert.equal(at(fan, 'p').y, at(fan, 'b').y)
  assert.equal(at(fan, 'a').y, 0)
  assert.equal(fan.height, 3 * SIZES.height + 2 * SIZES.down)
})

test('links that need not cross do not', () => {
  const layout = layOut(['a', 'b', 'x', 'y'], joints('a>y', 'b>x', 'a>b'))
  assert.deepEqual(overlaps(layout), [])
  const two = layOut(['r', 'a', 'b', 'y', 'x'], joints('r>a', 'r>b', 'b>x', 'a>y'))
  const order = at(two, 'a').y < at(two, 'b').y
  assert.equal(at(two, 'y').y < at(two, 'x').y, order)
})

test('a long link passes between the tasks of the levels that it crosses', () => {
  const layout = layOut(['a', 'b', 'c'], joints('a>b', 'b>c', 'a>c'))
  const long = layout.ways.find((one) => one.parent === 'a' && one.child === 'c')
  const crossing = Number(/C[\d.]+ [\d.]+ [\d.]+ ([\d.]+) /.exec(long?.path ?? '')?.[1])
  const { y } = at(layout, 'b')
  assert.ok(crossing < y || crossing > y + SIZES.height, `${long?.path} runs through b at ${y}`)
})

test('nothing, one task, and links to tasks elsewhere are no trouble', () => {
  assert.equal(layOut([], []).height, 0)
  const one = layOut(['a'], joints('a>gone', 'gone>a'))
  assert.deepEqual(at(one, 'a'), { x: 0, y: 0, level: 0 })
  assert.deepEqual(one.ways, [])
})

test('the same tasks stand where they stood', () => {
  const ids = ['a', 'b', 'c', 'd', 'e']
  const links = joints('a>b', 'a>c', 'b>d', 'c>d', 'a>e')
  assert.deepEqual(layOut(ids, links), layOut(ids, links))
})

test('600 tasks with a thousand links are laid out in a blink, and none lies on another', () => {
  const { ids, links } = many(600)
  layOut(ids, links)
  const begun = performance.now()
  const layout = layOut(ids, links)
  const took = performance.now() - begun
  assert.deepEqual(overlaps(layout), [])
  assert.ok(took < 1_000, `took ${took} ms`)
})

function many(count: number): { ids: string[]; links: Joint[] } {
  let seed = 1
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const ids = Array.from({ length: count }, (_, at) => `t${at}`)
  const pairs = new Set<string>()
  for (let at = 1; at < count; at += 1) {
    for (let each = 0; each <= random(2); each += 1) {
      pairs.add(`t${Math.max(0, at - 1 - random(40))}>t${at}`)
    }
  }
  return { ids, links: joints(...pairs) }
}
