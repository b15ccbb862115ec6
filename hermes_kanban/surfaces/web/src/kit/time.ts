/** Times as people read them; all times are Unix seconds. */

/** "3 s", "4 min", "2 h", "1 d". */
export function age(seconds: number): string {
  const past = Math.max(0, Math.floor(seconds))
  if (past < 60) return `${past} s`
  if (past < 3_600) return `${Math.floor(past / 60)} min`
  if (past < 86_400) return `${Math.floor(past / 3_600)} h`
  return `${Math.floor(past / 86_400)} d`
}

/** "0:07", "14:07", "2:05:09": the time that something runs. */
export function elapsed(seconds: number): string {
  const past = Math.max(0, Math.floor(seconds))
  const hours = Math.floor(past / 3_600)
  const minutes = Math.floor(past / 60) % 60
  const rest = String(past % 60).padStart(2, '0')
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${String(minutes).padStart(2, '0')}:${rest}`
}

/** "40 s", "12 min", "2 h 5 min", "3 d 4 h": how long something takes, in at most two units. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  if (minutes < 1_440) return twoUnits(minutes, 60, 'h', 'min')
  return twoUnits(Math.round(minutes / 60), 24, 'd', 'h')
}

function twoUnits(value: number, per: number, large: string, small: string): string {
  const rest = value % per
  return `${Math.floor(value / per)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`
}

/** "14:07" today, else "12 Nov 14:07" in the reader's own zone. */
export function clockTime(at: number, now = Date.now() / 1_000): string {
  const date = new Date(at * 1_000)
  const today = new Date(now * 1_000).toDateString() === date.toDateString()
  return today ? hourName(at) : `${dayName(at)} ${hourName(at)}`
}

/** "12 November 2026, 14:07:09 CET": for titles and wherever the exact time is asked for. */
export function absolute(at: number): string {
  return FULL.format(new Date(at * 1_000))
}

/** "29 Nov" in the reader's own zone. */
export function dayName(at: number): string {
  return DAY.format(new Date(at * 1_000))
}

/** "14:07" in the reader's own zone. */
export function hourName(at: number): string {
  return HOUR.format(new Date(at * 1_000))
}

/** Seconds that the reader's clock is ahead of UTC at a time. */
export function zoneOffset(at: number): number {
  return -new Date(at * 1_000).getTimezoneOffset() * 60
}

/** A time as a `datetime-local` field has it, in the reader's own zone. */
export function fieldTime(at: number): string {
  return new Date((at + zoneOffset(at)) * 1_000).toISOString().slice(0, 16)
}

/** What such a field says, in Unix seconds; null where it is empty or no time. */
export function timeOfField(text: string): number | null {
  const at = Math.floor(Date.parse(text) / 1_000)
  return Number.isNaN(at) ? null : at
}

const HOUR = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const FULL = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'long',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})
