import assert from 'node:assert/strict'
import { test } from 'node:test'
import { standing } from './editing.ts'

test('an edit stands to what the board has', () => {
  assert.equal(standing({ base: 'a', text: 'a' }, 'a'), 'same')
  assert.equal(standing({ base: 'a', text: 'b' }, 'a'), 'mine')
  assert.equal(standing({ base: 'a', text: 'a' }, 'c'), 'theirs')
  assert.equal(standing({ base: 'a', text: 'b' }, 'c'), 'conflict')
})

test('who typed what another saved meanwhile has no conflict', () => {
  assert.equal(standing({ base: 'a', text: 'b' }, 'b'), 'same')
})
