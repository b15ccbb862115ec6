/** The span of time that is shown, as the address says it. */

const SPANS = { '1h': 3_600, '6h': 6 * 3_600, day: 86_400, week: 7 * 86_400 } as const
export type SpanName = keyof typeof SPANS | 'custom'

export interface Span {
  name: SpanName
  /** Unix seconds. */
  start: number
  end: number
  /** Whether it ends now and goes along with the clock. */
  follows: boolean
}

const DEFAULT: keyof typeof SPANS = '6h'
/** Of the span, at its right, so that the line of now does not lie on the edge. */
const ROOM = 0.04
const SHORTEST = 60
const LONGEST = 92 * 86_400

/** `?span=` of a name, `?to=` where it was moved away from now; `?from=&to=` a span of one's own. */
export function spanOf(search: URLSearchParams, now: number): Span {
  const from = whole(search.get('from'))
  const to = whole(search.get('to'))
  if (from !== null && to !== null && from < to) {
    const length = Math.min(LONGEST, Math.max(SHORTEST, to - from))
    return { name: 'custom', start: to - length, end: to, follows: false }
  }
  const asked = search.get('span') ?? DEFAULT
  const name = asked in SPANS ? (asked as keyof typeof SPANS) : DEFAULT
  const length = SPANS[name]
  if (to === null || to >= now) {
    const room = Math.round(length * ROOM)
    return { name, start: now + room - length, end: now + room, follows: true }
  }
  return { name, start: to - length, end: to, follows: false }
}

function whole(text: string | null): number | null {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null
}

/** The address of the span moved by `seconds`; back at now it follows the clock again. */
export function moved(
  search: URLSearchParams,
  span: Span,
  seconds: number,
  now: number,
): URLSearchParams {
  const next = new URLSearchParams(search)
  const end = Math.round(span.end + seconds)
  if (span.name === 'custom') {
    next.set('from', String(Math.round(span.start + seconds)))
    next.set('to', String(end))
  } else if (end >= now) next.delete('to')
  else next.set('to', String(end))
  return next
}

/** The address of another span; `custom` begins as what is shown now. */
export function chosen(search: URLSearchParams, span: Span, name: SpanName): URLSearchParams {
  const next = new URLSearchParams(search)
  for (const key of ['from', 'to', 'span']) next.delete(key)
  if (name !== 'custom') next.set('span', name)
  else {
    next.set('from', String(span.start))
    next.set('to', String(span.end))
  }
  return next
}

const STEPS = [
  60, 300, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
]

/** Where the axis has its marks: round times of the reader's zone, at most `most` of them. */
export function ticks(start: number, end: number, most: number, offset: number): number[] {
  const step = STEPS.find((one) => (end - start) / one <= Math.max(1, most)) ?? 604_800
  const found: number[] = []
  const first = Math.ceil((start + offset) / step) * step - offset
  for (let at = first; at <= end; at += step) found.push(at)
  return found
}
