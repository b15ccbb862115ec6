/** Figures made ready for drawing. */

import type { Trends } from '@/api/types'

export const DAYS = ['7', '14', '30', '90'] as const
export type Days = (typeof DAYS)[number]

/** `?days=`, one of those that can be chosen. */
export function daysOf(search: URLSearchParams): Days {
  return DAYS.find((one) => one === search.get('days')) ?? '14'
}

/** Round numbers from 0 to at least `most`, three to six of them: what an axis says. */
export function axis(most: number): number[] {
  const top = Math.max(1, most)
  const power = 10 ** Math.floor(Math.log10(top))
  const step = [0.2, 0.5, 1, 2, 5]
    .map((one) => one * power)
    .filter((one) => one >= 1)
    .find((one) => top / one <= 4)
  const chosen = step ?? Math.max(1, power * 5)
  return Array.from({ length: Math.ceil(top / chosen) + 1 }, (_, at) => at * chosen)
}

/** Which days have their name written below: the last one, and so on back in even steps. */
export function named(days: number, most: number): (at: number) => boolean {
  const step = Math.max(1, Math.ceil(days / Math.max(1, most)))
  return (at) => (days - 1 - at) % step === 0
}

export interface Sums {
  created: number
  completed: number
  dollars: number
  tokens: number
  runs: number
  failures: number
}

/** What the whole span adds up to. */
export function sumsOf(trends: Trends): Sums {
  const sums = { created: 0, completed: 0, dollars: 0, tokens: 0, runs: 0, failures: 0 }
  for (const day of trends.days) {
    sums.created += day.created
    sums.completed += day.completed
  }
  for (const one of trends.profiles) {
    sums.dollars += one.cost_usd ?? 0
    sums.tokens += one.tokens ?? 0
    sums.runs += one.runs
    sums.failures += one.failures
  }
  return sums
}

/** A part of the whole in percent, and never more than all. */
export function percent(part: number, whole: number): string {
  return `${whole <= 0 ? 0 : Math.min(100, (part / whole) * 100)}%`
}
