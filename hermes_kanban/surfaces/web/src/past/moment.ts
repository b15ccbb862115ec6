/** The moment that is looked at, and the window of time that the slider spans. */

const WINDOWS = { all: null, week: 7 * 86_400, day: 86_400, hour: 3_600 } as const
export type Window = keyof typeof WINDOWS

/** `?at=` in Unix seconds; null is now. */
export function atOf(search: URLSearchParams, now: number): number | null {
  const text = search.get('at')
  if (text === null || !/^\d{1,12}$/.test(text)) return null
  const at = Number(text)
  return at >= now ? null : at
}

/** The address of another moment. */
export function withAt(search: URLSearchParams, at: number | null): URLSearchParams {
  const next = new URLSearchParams(search)
  if (at === null) next.delete('at')
  else next.set('at', String(Math.round(at)))
  return next
}

/**
 * From when on the slider goes: the window back from now, wider where the moment lies before it,
 * and never before the board was.
 */
export function startOf(window: Window, at: number | null, first: number, now: number): number {
  const length = WINDOWS[window]
  const start = length === null ? first : now - length
  return Math.min(now - 1, Math.max(first, Math.min(start, at ?? start)))
}

/** How many of the times lie in each of `count` equal parts of the span. */
export function spread(
  times: readonly number[],
  start: number,
  end: number,
  count: number,
): number[] {
  const found = new Array<number>(count).fill(0)
  const length = Math.max(1, end - start)
  for (const time of times) {
    if (time < start || time > end) continue
    const at = Math.min(count - 1, Math.floor(((time - start) / length) * count))
    found[at] = (found[at] ?? 0) + 1
  }
  return found
}
