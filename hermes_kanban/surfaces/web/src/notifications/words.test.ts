import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Subscription } from '../api/types.ts'
import { destinationPhrase, destinationWords, filterWords, howWords, isOfTree } from './words.ts'

const filter = (given: object) => filterWords(given as Subscription['filter'])
const how = (mode: string, options: object | null) =>
  howWords({ mode, options: options as Subscription['options'] })

test('a destination is its kind and which of them', () => {
  assert.deepEqual(destinationWords('matrix:#ops:example.org'), {
    kind: 'Matrix',
    which: '#ops:example.org',
  })
  assert.equal(destinationPhrase('log'), 'Gateway log')
  assert.equal(destinationPhrase('wake:planner'), 'Wakes planner')
  assert.equal(destinationPhrase('pigeon:home'), 'pigeon:home')
})

test('a filter is a phrase', () => {
  assert.equal(filterWords(null), 'what needs a person or ends a task')
  assert.equal(filter({ kinds: ['all'] }), 'everything')
  assert.equal(
    filter({ kinds: ['attention', 'changes_requested'], assignee: ['a', 'b', 'c'], tenant: ['x'] }),
    'what needs a person or ends a task, changes requested, of a, b or c, for x',
  )
  assert.equal(filter({ kinds: ['commented'], tasks: ['t_abcd'] }), 'commented, only t_abcd')
})

test('how it is told is a phrase', () => {
  assert.equal(how('notify', null), 'at once')
  assert.equal(how('wake', { wake: 'planner' }), 'at once')
  assert.equal(
    how('notify_and_wake', {
      wake: 'planner',
      digest_seconds: 900,
      quiet: { from: '22:00', to: '07:00', zone: 'Europe/Berlin' },
    }),
    'wakes planner, too, one message for 15 min, quiet 22:00 to 07:00 (Europe/Berlin)',
  )
})

test('only the root of a tree is of the tree', () => {
  const options = { inherit: true } as unknown as Subscription['options']
  assert.equal(isOfTree({ options, root_id: null }), true)
  assert.equal(isOfTree({ options, root_id: 3 }), false)
  assert.equal(isOfTree({ options: null, root_id: null }), false)
})
