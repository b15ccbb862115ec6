/** How many places of the gateway were taken over time, read off the runs. */

import type { Bar } from '@/api/types'

export interface Stair {
  at: number
  taken: number
}

/** From `start` to `end` (or now): what is taken from each time on. A run holds its place until
 * its process is gone. */
export function stairs(bars: readonly Bar[], start: number, end: number, now: number): Stair[] {
  const until = Math.min(end, now)
  const changes = new Map<number, number>()
  const change = (at: number, by: number) => changes.set(at, (changes.get(at) ?? 0) + by)
  for (const bar of bars) {
    const from = Math.max(start, bar.started_at)
    const to = bar.ended_at === null ? until : Math.min(until, bar.exited_at ?? bar.ended_at)
    if (to <= from) continue
    change(from, 1)
    change(to, -1)
  }
  const found: Stair[] = [{ at: start, taken: 0 }]
  for (const at of [...changes.keys()].sort((a, b) => a - b)) {
    const before = found.at(-1)
    const taken = (before?.taken ?? 0) + (changes.get(at) ?? 0)
    if (before?.at === at) before.taken = taken
    else if (before?.taken !== taken && at < until) found.push({ at, taken })
  }
  return found
}

/** The most that were taken at once, and the mean over the time. */
export function load(found: readonly Stair[], until: number): { peak: number; mean: number } {
  let seconds = 0
  for (const [index, stair] of found.entries()) {
    seconds += stair.taken * ((found[index + 1]?.at ?? until) - stair.at)
  }
  const whole = until - (found[0]?.at ?? until)
  return {
    peak: Math.max(0, ...found.map((one) => one.taken)),
    mean: whole > 0 ? seconds / whole : 0,
  }
}
