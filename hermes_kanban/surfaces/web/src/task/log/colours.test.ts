import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Colours } from './colours.ts'
import { findAll } from './find.ts'

const E = String.fromCharCode(27)

function looks(line: string) {
  return new Colours().read(line).pieces.map((one) => [one.text, one.look])
}

test('colours become words', () => {
  assert.deepEqual(looks(`a ${E}[31mred${E}[0m ${E}[1;32mok${E}[m`), [
    ['a ', ''],
    ['red', 'log-ink-red'],
    [' ', ''],
    ['ok', 'log-bold log-ink-green'],
  ])
  assert.deepEqual(looks(`${E}[38;5;196mx${E}[38;2;0;0;255my${E}[38:2::0:200:0mz${E}[48;5;226mw`), [
    ['x', 'log-ink-red'],
    ['y', 'log-ink-blue'],
    ['z', 'log-ink-green'],
    ['w', 'log-ink-green log-on-yellow'],
  ])
})

test('a look lasts over lines until it is ended', () => {
  const colours = new Colours()
  colours.read(`${E}[33mbegins`)
  assert.equal(colours.read('goes on').pieces[0]?.look, 'log-ink-yellow')
  assert.equal(colours.read(`${E}[39mends`).pieces[0]?.look, '')
})

test('other codes and control characters are not shown, and none is HTML', () => {
  const line = `<b>${E}]0;title${String.fromCharCode(7)}${E}[2J\u202e\u0008</b>`
  assert.equal(new Colours().read(line).plain, '<b>]0;title[2J</b>')
})

test('a line of codes without end costs little', () => {
  const colours = new Colours()
  const line = `${E}[1;31mx`.repeat(3_000)
  const begun = performance.now()
  for (let at = 0; at < 20; at += 1) colours.read(line)
  assert.ok(performance.now() - begun < 1_000)
})

test('every place is found, whatever its case', () => {
  const lines = [{ plain: 'Error: error' }, { plain: 'fine' }, { plain: 'ERROR' }]
  assert.deepEqual(findAll(lines, 'error'), [
    { line: 0, start: 0, end: 5 },
    { line: 0, start: 7, end: 12 },
    { line: 2, start: 0, end: 5 },
  ])
  assert.deepEqual(findAll(lines, ''), [])
})
