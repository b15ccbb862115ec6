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

/** "14:07" today, else "12 Nov 14:07" in the reader's own zone. */
export function clockTime(at: number, now = Date.now() / 1_000): string {
  const date = new Date(at * 1_000)
  const today = new Date(now * 1_000).toDateString() === date.toDateString()
  return today ? HOUR.format(date) : `${DAY.format(date)} ${HOUR.format(date)}`
}

/** "12 November 2026, 14:07:09 CET": for titles and wherever the exact time is asked for. */
export function absolute(at: number): string {
  return FULL.format(new Date(at * 1_000))
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
