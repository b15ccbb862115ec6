import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  cellAsked,
  chipsOf,
  columnsOf,
  EVERYTHING,
  readFilter,
  viewOf,
  writeFilter,
} from './filter.ts'
import { type LaneCount, lanesOf } from './laneorder.ts'

const ADDRESS = 'status=blocked&assignee=backend&assignee=-&priority=2&needs=you&q=key&task=t_ab'

test('a filter stands in the address and comes back from it', () => {
  const search = new URLSearchParams(ADDRESS)
  const filter = readFilter(search)
  assert.deepEqual(filter.assignee, ['backend', '-'])
  assert.equal(filter.minPriority, 2)
  assert.equal(writeFilter(search, filter).get('task'), 't_ab')
  assert.deepEqual(readFilter(writeFilter(new URLSearchParams(), filter)), filter)
  assert.equal(viewOf(search).includes('task'), false)
})

test('what an address says that is nothing is left out', () => {
  const filter = readFilter(new URLSearchParams('status=nonsense&priority=high&needs=me'))
  assert.deepEqual(filter, EVERYTHING)
  assert.equal(columnsOf(filter).length, 7)
  assert.equal(columnsOf({ ...EVERYTHING, archived: true }).at(-1), 'archived')
})

test('each chip takes away its own word only', () => {
  const filter = readFilter(new URLSearchParams(ADDRESS))
  const chips = chipsOf(filter, String)
  assert.deepEqual(
    chips.map((one) => `${one.name} ${one.value}`),
    [
      'Status is blocked',
      'Assignee is backend',
      'Assignee is nobody',
      'Priority is 2 or more',
      'Needs you',
      'Text has key',
    ],
  )
  assert.deepEqual(chips[1]?.without, { ...filter, assignee: ['-'] })
})

test('a cell of a lane asks for what filter and lane share', () => {
  const filter = { ...EVERYTHING, assignee: ['backend'] }
  const lane = (name: string | null) => ({ kind: 'assignee' as const, name })
  assert.deepEqual(cellAsked(filter, { status: 'ready', lane: lane('backend') }), {
    assignee: ['backend'],
    status: ['ready'],
    order: 'queue',
  })
  assert.equal(cellAsked(filter, { status: 'ready', lane: lane('docs') }), null)
  assert.deepEqual(cellAsked(EVERYTHING, { status: 'done', lane: lane(null) })?.assignee, ['-'])
})

test('lanes keep their order, and idle profiles have one', () => {
  const counted: Pick<LaneCount, 'name' | 'counts'>[] = [
    { name: null, counts: { triage: 2 } },
    { name: 'tester', counts: { running: 1 } },
    { name: 'backend', counts: { done: 9 } },
  ]
  const profiles = [
    { name: 'tester', max_in_progress: 2 },
    { name: 'docs', max_in_progress: null },
  ]
  const names = lanesOf('assignee', counted, profiles, EVERYTHING).map((one) => one.name)
  assert.deepEqual(names, ['backend', 'docs', 'tester', null])
  const narrow = { ...EVERYTHING, text: 'key' }
  assert.equal(lanesOf('assignee', counted, profiles, narrow).length, 3)
})
