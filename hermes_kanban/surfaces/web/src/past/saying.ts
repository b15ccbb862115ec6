/** A changed value, short enough for a line, and what became of the board. */

import type { Event } from '../api/types.ts'

const SHOWN = 60
const TIMES = /_at$|_expires$/

/** "none", "14 Nov 2026 14:02", "a, b", a text cut at its end. `tell` words a time. */
export function said(field: string, value: unknown, tell: (at: number) => string): string {
  if (value === null || value === undefined || value === '') return 'none'
  if (typeof value === 'number' && TIMES.test(field)) return tell(value)
  if (Array.isArray(value)) return value.length === 0 ? 'none' : cut(value.join(', '))
  if (typeof value === 'object') return cut(JSON.stringify(value))
  return cut(String(value).replaceAll(/\s+/g, ' '))
}

function cut(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN - 1)}…`
}

/** A column as people call it: "block reason". */
export function fieldWords(field: string): string {
  return field.replaceAll('_', ' ').replace(/ at$/, '')
}

/** An event of the board without its actor: "Board paused", "Host rack drained". */
export function boardWords({ kind, payload }: Pick<Event, 'kind' | 'payload'>): string {
  const { host } = payload as { host?: { name?: string } }
  const [of, what] =
    host?.name === undefined ? ['Board', kind] : [`Host ${host.name}`, kind.slice(5)]
  return `${of} ${what.replaceAll('_', ' ')}`
}
