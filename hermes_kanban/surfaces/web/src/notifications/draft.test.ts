import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedOf, type Draft, emptyDraft, lacking } from './draft.ts'

const draft = (change: Partial<Draft>, task = 't_abcd'): Draft => ({
  ...emptyDraft(task, 'Europe/Berlin'),
  place: 'log',
  ...change,
})

test('a draft about a task asks for that task', () => {
  assert.deepEqual(askedOf(draft({})), {
    destination: 'log',
    task_id: 't_abcd',
    tree: false,
    kinds: ['attention'],
    assignees: [],
    tenants: [],
    tasks: [],
    wake: null,
    digest_seconds: null,
    quiet: null,
    zone: 'UTC',
  })
  assert.equal(emptyDraft('', 'UTC').scope, 'board')
})

test('what is not shown is not asked for', () => {
  const narrowed = { assignees: 'a, b,', tenants: 'x', kinds: ['commented'] }
  const ofTask = askedOf(draft(narrowed))
  assert.deepEqual([ofTask.assignees, ofTask.tenants, ofTask.kinds], [[], [], ['attention']])
  const ofBoard = askedOf(draft({ ...narrowed, scope: 'board', what: 'some' }))
  assert.deepEqual(ofBoard.assignees, ['a', 'b'])
  assert.deepEqual([ofBoard.task_id, ofBoard.kinds], [null, ['commented']])
  const waking = askedOf(draft({ mode: 'wake', wake: 'planner' }))
  assert.deepEqual([waking.destination, waking.wake], [null, 'planner'])
  assert.equal(askedOf(draft({ wake: 'planner' })).wake, null)
})

test('an address ends the beginning of a destination', () => {
  const asked = askedOf(draft({ place: 'matrix:', address: ' #ops:example.org ' }))
  assert.equal(asked.destination, 'matrix:#ops:example.org')
  const quiet = askedOf(draft({ quiet: true, digestSeconds: 900 }))
  assert.deepEqual(
    [quiet.quiet, quiet.zone, quiet.digest_seconds],
    ['22:00-07:00', 'Europe/Berlin', 900],
  )
})

test('what is lacking is said', () => {
  assert.equal(lacking(draft({})), null)
  assert.equal(lacking(draft({ place: '' })), 'Choose where it goes.')
  assert.equal(lacking(draft({ place: 'email:' })), 'Write where it goes.')
  assert.equal(lacking(draft({ place: '', mode: 'wake', wake: 'planner' })), null)
  assert.equal(lacking(draft({ mode: 'notify_and_wake' })), 'Choose whom it wakes.')
  assert.equal(lacking(draft({ what: 'some' })), 'Choose what happens.')
  assert.equal(lacking(draft({ scope: 'tree', task: ' ' })), 'Name the task.')
})
