/** Finding a text in a log. */

export interface Match {
  line: number
  start: number
  end: number
}

const MOST = 10_000

/** Where `wanted` stands, upper and lower case alike; at most ten thousand places. */
export function findAll(lines: readonly { plain: string }[], wanted: string): Match[] {
  const found: Match[] = []
  const needle = wanted.toLowerCase()
  if (needle === '') return found
  for (const [line, { plain }] of lines.entries()) {
    const text = plain.toLowerCase()
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length)) {
      found.push({ line, start: at, end: at + needle.length })
      if (found.length >= MOST) return found
    }
  }
  return found
}
