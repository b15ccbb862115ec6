import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineComment, parseDiff, sums } from './parse.ts'

const DIFF = `diff --git a/src/keys.py b/src/keys.py
index de61a18..88c6c82 100644
--- a/src/keys.py
+++ b/src/keys.py
@@ -3,3 +3,4 @@ def lookup(digest):
 first
-second
+-- not a header
+++ nor this
 last
\\ No newline at end of file
diff --git a/old name.txt b/new name.txt
similarity index 90%
rename from old name.txt
rename to new name.txt
diff --git "a/caf\\303\\251.txt" "b/caf\\303\\251.txt"
new file mode 100644
--- /dev/null
+++ "b/caf\\303\\251.txt"
@@ -0,0 +1 @@
+diff --git a/x b/x
diff --git a/logo.png b/logo.png
Binary files a/logo.png and b/logo.png differ
`

test('a diff is read file by file, and its lines are counted', () => {
  const files = parseDiff(DIFF)
  assert.deepEqual(
    files.map((file) => file.path),
    ['src/keys.py', 'new name.txt', 'café.txt', 'logo.png'],
  )
  const [keys, moved, cafe, logo] = files
  assert.ok(keys && moved && cafe && logo)
  assert.deepEqual(sums(keys), { added: 2, removed: 1 })
  assert.equal(keys.hunks[0]?.heading, 'def lookup(digest):')
  assert.deepEqual(
    keys.hunks[0]?.lines.map((line) => [line.kind, line.old, line.new, line.text]),
    [
      ['same', 3, 3, 'first'],
      ['removed', 4, null, 'second'],
      ['added', null, 4, '-- not a header'],
      ['added', null, 5, '++ nor this'],
      ['same', 5, 6, 'last'],
      ['note', null, null, 'No newline at end of file'],
    ],
  )
  assert.equal(moved.from, 'old name.txt')
  assert.equal(cafe.hunks[0]?.lines[0]?.text, 'diff --git a/x b/x')
  assert.equal(logo.binary, true)
})

test('a diff that was cut ends where it was cut', () => {
  const cut = DIFF.slice(0, DIFF.indexOf('+++ nor'))
  const [file] = parseDiff(cut)
  assert.ok(file)
  assert.equal(sums(file).added, 1)
  assert.deepEqual(parseDiff(''), [])
})

test('a comment names file and line', () => {
  const line = { kind: 'added', text: 'x = "```"', old: null, new: 7 } as const
  assert.equal(lineComment('a/b.py', line, ' Why? '), '`a/b.py:7`\n\n~~~~\nx = "```"\n~~~~\n\nWhy?')
})
