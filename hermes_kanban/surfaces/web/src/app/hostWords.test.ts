import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event, Host } from '../api/types.ts'
import { goneWords, hostNews, hostStanding, pageOf } from './hostWords.ts'

const host = (change: Partial<Host>): Host =>
  ({
    presence: 'live',
    state: 'active',
    gateway_url: 'https://rack.example.org/',
    ...change,
  }) as Host

test('that a host is not there is said before what people want of it', () => {
  assert.equal(hostStanding(host({})).word, 'Live')
  assert.equal(hostStanding(host({ state: 'draining' })).word, 'Draining')
  assert.equal(hostStanding(host({ state: 'draining', presence: 'lost' })).word, 'Lost')
  assert.equal(hostStanding(host({ state: 'draining', presence: 'left' })).word, 'Left')
})

test('one is sent only to the page of a host that is there, and to nothing but a page', () => {
  assert.equal(pageOf(host({}), '/b/default'), 'https://rack.example.org/b/default')
  assert.equal(pageOf(host({ presence: 'lost' }), '/'), null)
  assert.equal(pageOf(host({ gateway_url: null }), '/'), null)
  assert.equal(pageOf(host({ gateway_url: 'javascript:alert(1)' }), '/'), null)
})

test('of a host that is not there it is said why nobody is heard', () => {
  assert.equal(goneWords(host({ name: 'rack' })), null)
  assert.equal(goneWords({ name: 'rack' }), null)
  assert.equal(goneWords(host({ name: 'rack', presence: 'lost' })), 'Host rack is not heard of.')
  const ended = goneWords(host({ name: 'rack', presence: 'left' }))
  assert.equal(ended, 'The gateway of host rack has ended.')
})

test('an event about a host is told in a sentence, and no other', () => {
  const event = (kind: string, payload: object) => ({ kind, payload }) as unknown as Event
  assert.equal(
    hostNews(event('host_lost', { host: { name: 'rack' } })),
    'Host rack is not heard of any more.',
  )
  assert.equal(hostNews(event('created', { task: {} })), null)
})
