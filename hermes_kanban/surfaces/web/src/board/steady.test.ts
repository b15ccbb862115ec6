import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Card } from '../api/types.ts'
import { free, still } from './steady.ts'

const card = (id: string, title = id) => ({ id, title }) as Card
const cards = (...ids: string[]) => ids.map((id) => card(id))
const nobody = () => false
const ids = (of: ReturnType<typeof still>) => of.places.map((one) => one.card.id)

test('nothing moves: what came above waits, what left keeps its place', () => {
  const { places } = free(cards('a', 'b', 'c'))
  const now = still(places, cards('new', 'a', 'c'), nobody)
  assert.deepEqual(ids(now), ['a', 'b', 'c'])
  assert.deepEqual(
    now.places.map((one) => one.gone),
    [false, true, false],
  )
  assert.deepEqual(
    now.held.map((one) => one.id),
    ['new'],
  )
})

test('what comes after the end moves nothing and is shown', () => {
  const { places } = free(cards('a', 'b'))
  assert.deepEqual(ids(still(places, cards('a', 'b', 'c', 'd'), nobody)), ['a', 'b', 'c', 'd'])
  assert.deepEqual(ids(still([], cards('a', 'b'), nobody)), ['a', 'b'])
})

test('a card that changed is shown as it is now, in its old place', () => {
  const { places } = free(cards('a', 'b'))
  const now = still(places, [card('b', 'changed'), card('a')], nobody)
  assert.deepEqual(ids(now), ['a', 'b'])
  assert.equal(now.places[1]?.card.title, 'changed')
})

test('what the person at the page sends there is shown at once, in its place', () => {
  const { places } = free(cards('a', 'c'))
  const now = still(places, cards('a', 'b', 'c'), (id) => id === 'b')
  assert.deepEqual(ids(now), ['a', 'b', 'c'])
  assert.deepEqual(now.held, [])
})

test('what they sent away leaves no place, unless another would come under the pointer', () => {
  const { places } = free(cards('a', 'b'))
  const mine = (id: string) => id === 'a'
  assert.deepEqual(ids(still(places, cards('b'), mine)), ['b'])
  assert.deepEqual(ids(still(places, cards('b'), mine, nobody)), ['a', 'b'])
})

test('a card that came back is in its place again', () => {
  const { places } = free(cards('a', 'b'))
  const left = still(places, cards('b'), nobody)
  assert.equal(still(left.places, cards('a', 'b'), nobody).places[0]?.gone, false)
})
