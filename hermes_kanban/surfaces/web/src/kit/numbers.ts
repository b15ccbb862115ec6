/** Numbers as people read them. */

/** "9 412": a thin space between thousands. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, '\u2009')
}

/** "$1.63"; "$0.004" where cents would say nothing. */
export function dollars(value: number): string {
  return `$${value > 0 && value < 0.01 ? value.toFixed(3) : value.toFixed(2)}`
}

/** "182k", "1.2M": tokens. */
export function tokens(value: number): string {
  if (value < 1_000) return String(value)
  if (value < 999_500) return `${(value / 1_000).toFixed(value < 9_950 ? 1 : 0)}k`
  return `${(value / 1_000_000).toFixed(1)}M`
}

/** "41 KiB": bytes. */
export function bytes(value: number): string {
  if (value < 1_024) return `${value} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let scaled = value / 1_024
  let unit = 0
  while (scaled >= 1_024 && unit < units.length - 1) {
    scaled /= 1_024
    unit += 1
  }
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${units[unit]}`
}
