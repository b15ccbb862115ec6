/** Spans of time as people write them: "60 min", "1 h 30 min", "45 s"; and back. */

const UNITS: Record<string, number> = { s: 1, sec: 1, min: 60, m: 60, h: 3_600, d: 86_400 }

/** Seconds in words. */
export function spanWords(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  if (seconds % 60 !== 0) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  const minutes = seconds / 60
  if (minutes <= 90) return `${minutes} min`
  const rest = minutes % 60
  return rest === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${rest} min`
}

/** What was written, in seconds; a bare number is minutes. Null where it is no span. */
export function secondsIn(text: string): number | null {
  const plain = text.trim().toLowerCase()
  if (/^\d+$/.test(plain)) return Number(plain) * 60
  let sum = 0
  let rest = plain
  while (rest !== '') {
    const found = /^(\d+(?:\.\d+)?)\s*(sec|min|[smhd])\w*\s*/.exec(rest)
    if (found === null) return null
    sum += Number(found[1]) * (UNITS[found[2] ?? ''] ?? 0)
    rest = rest.slice(found[0].length)
  }
  return plain === '' ? null : Math.round(sum)
}
