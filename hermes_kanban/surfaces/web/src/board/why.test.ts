import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Card, Hold } from '../api/types.ts'
import { type Why, whyOf } from './why.ts'

const NOW = 1_000_000
const BASE = {
  status: 'ready',
  state: 'pending',
  assignee: 'docs',
  tenant: null,
  scheduled_at: null,
  eligible_at: null,
  block_kind: null,
  block_reason: null,
  choices: [] as string[],
  failures: 0,
  attempts: 2,
  runs: 0,
}
const card = (change: object) => ({ ...BASE, ...change }) as unknown as Card
const hold = (code: string, text = 'a fact') =>
  ({ code, text, lifted_by: 'somebody lifts it', since: null, until: null }) as Hold
const words = (why: Why | null) =>
  why && [why.before, why.lifter, why.after].filter(Boolean).join(' ')

test('a question is told without the list of its answers', () => {
  const asking = card({
    status: 'blocked',
    state: 'needs_you',
    block_kind: 'needs_input',
    block_reason: 'Thirty or ninety?\n\n1. 30 days\n2. 90 days\n',
    choices: ['30 days', '90 days'],
  })
  assert.equal(words(whyOf(asking, [], NOW)), 'You answer: Thirty or ninety?')
})

test('what was given up names the attempts', () => {
  const failed = card({ status: 'blocked', state: 'error', failures: 2, block_kind: 'needs_input' })
  assert.equal(words(whyOf(failed, [], NOW)), 'Gave up after 2 of 2. You retry or reassign.')
})

test('backing off counts down without asking the server', () => {
  const waiting = whyOf(card({ eligible_at: NOW + 100, failures: 1, runs: 1 }), [], NOW)
  assert.equal(waiting?.until, NOW + 100)
  assert.equal(waiting?.after, ', backing off after attempt 1')
  assert.equal(whyOf(card({ eligible_at: NOW - 1 }), [], NOW), null)
})

test('what holds all tasks is not said on each of them', () => {
  assert.equal(whyOf(card({}), [hold('max_in_progress')], NOW), null)
  const both = whyOf(card({}), [hold('max_in_progress'), hold('profile_cap')], NOW)
  assert.equal(words(both), 'A run of docs ends: all its places are taken.')
})

test('a host that is full is said on the card where others have places', () => {
  const holds = [hold('elsewhere', 'it runs on rack'), hold('max_in_progress', 'host rack is full')]
  const above = ['paused']
  assert.equal(words(whyOf(card({}), holds, NOW, above)), 'Host rack is full. A run there ends.')
  const alone = whyOf(card({}), holds.slice(0, 1), NOW, above)
  assert.equal(words(alone), 'It runs on rack. That host starts it at its next look.')
})

test('what no host offers, and that all of them drain, names who lifts it', () => {
  const none = whyOf(card({}), [hold('no_host', 'no live host offers gpu')], NOW)
  assert.equal(words(none), 'No live host offers gpu. A host that can run it joins.')
  const drain = whyOf(card({}), [hold('draining', 'host rack drains')], NOW, [])
  assert.equal(words(drain), 'You resume a host: host rack drains')
  assert.equal(whyOf(card({}), [hold('draining')], NOW), null)
})

test('a hold without words of its own is told in the words of the server', () => {
  assert.equal(words(whyOf(card({}), [hold('new_one')], NOW)), 'A fact. Somebody lifts it')
})

test('that a person is to accept it is what the column says', () => {
  const waiting = card({ status: 'triage' })
  assert.equal(whyOf(waiting, [hold('unaccepted')], NOW), null)
  assert.equal(words(whyOf(waiting, [hold('triage')], NOW)), 'You decide: a fact')
})
