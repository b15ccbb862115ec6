import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rowsOf } from './rows.ts'

test('a setting is told in words, with the variable that sets it', () => {
  const rows = rowsOf('web', { in_gateway: true, hosts: [], token: '', port: 8790 }, [
    'HERMES_KANBAN_WEB_PORT',
    'HERMES_KANBAN_PORT',
  ])
  assert.deepEqual(
    rows.map((row) => [row.name, row.text, row.unset, row.variable]),
    [
      ['in_gateway', 'yes', false, null],
      ['hosts', 'none', true, null],
      ['token', 'not set', true, null],
      ['port', '8790', false, 'HERMES_KANBAN_WEB_PORT'],
    ],
  )
})

test('the variables of the board itself have no section in their name', () => {
  const [row] = rowsOf('kanban', { resources: { gpu: 2, licence: 1 } }, ['HERMES_KANBAN_RESOURCES'])
  assert.equal(row?.text, 'gpu: 2, licence: 1')
  assert.equal(row?.variable, 'HERMES_KANBAN_RESOURCES')
})
