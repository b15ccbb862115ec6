import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sentence, withoutChoices } from './sentences.ts'

test('a sentence begins large, but for an id, and has an end', () => {
  assert.equal(sentence('its parent\n is open'), 'Its parent is open.')
  assert.equal(sentence('t_a1b2 is open'), 't_a1b2 is open.')
  assert.equal(sentence('Why?'), 'Why?')
  assert.equal(sentence(' '), '')
})

test('a question stands without the answers that buttons show', () => {
  assert.equal(withoutChoices('Which?\n\n1. a\r\n2. b\n', ['a', 'b']), 'Which?')
  assert.equal(withoutChoices('Which?', []), 'Which?')
  assert.equal(withoutChoices('a\nb', ['x', 'y']), 'a\nb')
  assert.equal(withoutChoices('- a\n- b', ['a', 'b']), '- a\n- b')
})
