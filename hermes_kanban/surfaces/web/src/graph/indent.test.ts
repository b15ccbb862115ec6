import assert from 'node:assert/strict'
import { test } from 'node:test'
import { indent } from './indent.ts'

function links(...pairs: string[]) {
  return pairs.map((pair) => {
    const [parent_id = '', child_id = ''] = pair.split('>')
    return { parent_id, child_id }
  })
}

test('each task stands once, below the last of what it waits for', () => {
  const lines = indent(
    ['root', 'a', 'b', 'c', 'x'],
    links('root>a', 'root>b', 'a>c', 'root>c', 'x>c'),
  )
  assert.deepEqual(
    lines.map((line) => `${'-'.repeat(line.level)}${line.id}`),
    ['-root', '--a', '---c', '--b', '-x'],
  )
  assert.deepEqual(lines.find((line) => line.id === 'c')?.also, ['root', 'x'])
  assert.deepEqual(
    lines.filter((line) => line.level === 2).map((line) => [line.place, line.of]),
    [
      [1, 2],
      [2, 2],
    ],
  )
})

test('links to tasks elsewhere do not matter', () => {
  assert.deepEqual(indent(['a'], links('gone>a', 'a>gone')), [
    { id: 'a', level: 1, also: [], of: 1, place: 1 },
  ])
})
