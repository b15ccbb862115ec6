/** Unified diffs in git's own format, as files, hunks and lines. */

export type LineKind = 'same' | 'added' | 'removed' | 'note'

export interface DiffLine {
  kind: LineKind
  text: string
  /** Line numbers, null on the side where it is not. */
  old: number | null
  new: number | null
}

export interface Hunk {
  /** What stands after the numbers: the function it is in. */
  heading: string
  lines: DiffLine[]
}

export interface DiffFile {
  path: string
  /** Where it came from, if it was renamed. */
  from: string | null
  binary: boolean
  hunks: Hunk[]
}

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/

/** The files of a diff, in its order. A diff that was cut ends where it was cut. */
export function parseDiff(diff: string): DiffFile[] {
  const files: DiffFile[] = []
  let file: DiffFile | undefined
  let hunk: Hunk | undefined
  let old = 0
  let now = 0
  let oldLeft = 0
  let nowLeft = 0
  for (const line of diff.split('\n')) {
    if (hunk !== undefined && (oldLeft > 0 || nowLeft > 0)) {
      const text = line.slice(1)
      if (line.startsWith('+')) {
        hunk.lines.push({ kind: 'added', text, old: null, new: now++ })
        nowLeft -= 1
      } else if (line.startsWith('-')) {
        hunk.lines.push({ kind: 'removed', text, old: old++, new: null })
        oldLeft -= 1
      } else if (line.startsWith(' ') || line === '') {
        hunk.lines.push({ kind: 'same', text, old: old++, new: now++ })
        oldLeft -= 1
        nowLeft -= 1
      } else if (line.startsWith('\\')) {
        hunk.lines.push({ kind: 'note', text: text.trim(), old: null, new: null })
      }
      continue
    }
    if (line.startsWith('diff --git ')) {
      file = { path: pathOf(line), from: null, binary: false, hunks: [] }
      files.push(file)
      hunk = undefined
      continue
    }
    if (file === undefined) continue
    const found = HUNK.exec(line)
    if (found !== null) {
      old = Number(found[1])
      now = Number(found[3])
      oldLeft = Number(found[2] ?? 1)
      nowLeft = Number(found[4] ?? 1)
      hunk = { heading: found[5] ?? '', lines: [] }
      file.hunks.push(hunk)
    } else if (line.startsWith('+++ ') && !line.endsWith('/dev/null')) {
      file.path = unquoted(line.slice(4).replace(/\t$/, ''), 'b/')
    } else if (line.startsWith('rename from ')) {
      file.from = unquoted(line.slice(12), '')
    } else if (line.startsWith('rename to ')) {
      file.path = unquoted(line.slice(10), '')
    } else if (line.startsWith('Binary files ') || line.startsWith('GIT binary patch')) {
      file.binary = true
    } else if (line.startsWith('\\') && hunk !== undefined) {
      hunk.lines.push({ kind: 'note', text: line.slice(1).trim(), old: null, new: null })
    }
  }
  return files
}

/** The path that the first line of a file names; both sides are the same where it matters. */
function pathOf(line: string): string {
  const rest = line.slice('diff --git '.length)
  if (rest.startsWith('"')) return unquoted(rest.slice(0, rest.indexOf('" ') + 1), 'a/')
  const half = (rest.length - 1) / 2
  const [first, second] = [rest.slice(0, half), rest.slice(half + 1)]
  return first.slice(2) === second.slice(2) ? first.slice(2) : rest.replace(/^a\//, '')
}

/** Git quotes what is not plain: `"b/caf\303\251"`. */
function unquoted(name: string, prefix: string): string {
  let plain = name
  if (name.startsWith('"') && name.endsWith('"')) {
    const raw = name
      .slice(1, -1)
      .replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))
      .replace(/\\(["\\])/g, '$1')
    plain = new TextDecoder().decode(Uint8Array.from(raw, (one) => one.charCodeAt(0)))
  }
  return plain.startsWith(prefix) ? plain.slice(prefix.length) : plain
}

/** How many lines a file got and lost. */
export function sums(file: DiffFile): { added: number; removed: number } {
  let added = 0
  let removed = 0
  for (const { lines } of file.hunks) {
    for (const { kind } of lines) {
      if (kind === 'added') added += 1
      else if (kind === 'removed') removed += 1
    }
  }
  return { added, removed }
}

/** What an agent is told about a line: where it is, what it says, and what a person says to it. */
export function lineComment(path: string, line: DiffLine, said: string): string {
  const number = line.new ?? line.old
  const where = line.new === null ? `${path}:${number} (removed)` : `${path}:${number}`
  if (line.text.trim() === '') return `\`${where}\`\n\n${said.trim()}`
  const fence = line.text.includes('```') ? '~~~~' : '```'
  return `\`${where}\`\n\n${fence}\n${line.text}\n${fence}\n\n${said.trim()}`
}
