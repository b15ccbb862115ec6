import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PickOption } from './asking.ts'
import { nextPlace, optionsFor } from './picking.ts'
import { priorityWord } from './priorities.ts'
import {
  cautionSentences,
  offerSentence,
  otherTask,
  outcomeSentence,
  undoneSentence,
} from './words.ts'

test('an outcome counts what was done and what was refused', () => {
  assert.equal(outcomeSentence([{ id: 't_1' }], 0, 'archived'), 't_1 archived.')
  const three = [{ id: 't_1' }, { id: 't_2' }, { id: 't_3' }]
  assert.equal(outcomeSentence(three, 0, 'moved to Done'), '3 tasks moved to Done.')
  assert.equal(outcomeSentence(three, 1, 'moved to Done'), '3 moved to Done, 1 refused.')
})

test('a warning that several tasks have is told once', () => {
  const none = { code: 'unassigned', text: 'it is assigned to nobody; assign it' }
  assert.deepEqual(cautionSentences([none, none]), ['It is assigned to nobody; assign it.'])
})

test('the way out of a refusal is the task that is named and is not the own one', () => {
  assert.equal(otherTask('t_m9ta waits for t_e5hc', ['t_m9ta']), 't_e5hc')
  assert.equal(otherTask('it is done', ['t_m9ta']), null)
})

test('an undo says what is again as it was', () => {
  const changes = { status: ['blocked', 'ready'], block_reason: ['Which?', null] } as Record<
    string,
    [unknown, unknown]
  >
  const undone = { task_id: 't_1', verb: 'block', changes, link: null }
  assert.equal(undoneSentence(undone), 'Taken back: block. t_1: ready again.')
  assert.equal(
    undoneSentence({ ...undone, verb: 'undo', changes: { priority: [0, 3] } }),
    'Done again. t_1: priority high.',
  )
})

test('what was done elsewhere is named with its age before it is taken back', () => {
  const would = { task_id: 't_1', verb: 'request_changes', at: 100 }
  assert.equal(
    offerSentence(would, 100 + 7_200),
    'Your last change: request changes on t_1, 2 h ago.',
  )
})

test('a priority without a word is told as its number', () => {
  assert.equal(priorityWord(4), 'urgent')
  assert.equal(priorityWord(-2), '\u22122')
})

test('a picker finds by beginnings first, and passes over what cannot be chosen', () => {
  const options: PickOption[] = [
    { value: 'a', label: 'Running', whyNot: 'only the dispatcher starts a task' },
    { value: 'b', label: 'Blocked' },
    { value: 'c', label: 'Unblocked' },
  ]
  const found = optionsFor({ options }, 'block').map((one) => one.value)
  assert.deepEqual(found, ['b', 'c'])
  assert.equal(nextPlace(options, -1, 1), 1)
  assert.equal(nextPlace(options, 1, -1), 2)
  const other = (typed: string) => ({ value: typed, label: typed })
  assert.equal(optionsFor({ options, other }, 'ada').at(-1)?.value, 'ada')
  assert.equal(optionsFor({ options, other }, 'Blocked').length, 2)
})
