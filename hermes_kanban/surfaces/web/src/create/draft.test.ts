import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyDraft, isWritten, listed, missing, wantedOf } from './draft.ts'

test('an empty draft is not worth keeping, and lacks a title only', () => {
  const draft = emptyDraft('k')
  assert.equal(isWritten(draft), false)
  assert.deepEqual(Object.keys(missing(draft)), ['title'])
  assert.deepEqual(Object.keys(missing({ ...draft, title: 'A', status: 'blocked' })), ['question'])
})

test('what is left empty is left to the board and the profile', () => {
  const wanted = wantedOf({ ...emptyDraft('k'), title: ' A ' })
  assert.equal(wanted.title, 'A')
  for (const name of ['body', 'assignee', 'workspace', 'model', 'scheduled_at'] as const) {
    assert.equal(wanted[name], null, name)
  }
})

test('a workspace is named with its path, and a branch with a worktree only', () => {
  const draft = { ...emptyDraft('k'), workspacePath: '/srv/x', branch: 'fix' }
  assert.equal(wantedOf({ ...draft, workspaceKind: 'dir' }).workspace, 'dir:/srv/x')
  assert.equal(wantedOf({ ...draft, workspaceKind: 'dir' }).branch, null)
  assert.equal(wantedOf({ ...draft, workspaceKind: 'scratch' }).workspace, 'scratch')
  assert.equal(wantedOf({ ...draft, workspaceKind: 'worktree' }).branch, 'fix')
  assert.equal(
    wantedOf({ ...draft, workspaceKind: 'worktree', workspacePath: '' }).workspace,
    'worktree',
  )
})

test('skills are separated by commas or spaces', () => {
  assert.deepEqual(listed(' pytest,  redis go '), ['pytest', 'redis', 'go'])
})
