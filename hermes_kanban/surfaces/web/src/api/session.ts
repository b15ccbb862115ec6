/**
 * Who this page is to the server: the token of its session, which goes with every request beside
 * the cookie that no script can read.
 */

const KEPT = 'hermes-kanban.token'
let inMemory: string | null = null

/** The token of this browser's session, null before a login. */
export function token(): string | null {
  try {
    return localStorage.getItem(KEPT) ?? inMemory
  } catch {
    return inMemory
  }
}

/** Keeps the token, or forgets it. */
export function keepToken(value: string | null): void {
  inMemory = value
  try {
    if (value === null) localStorage.removeItem(KEPT)
    else localStorage.setItem(KEPT, value)
  } catch {
    // Storage is off: the token lasts as long as the page.
  }
}

/** The one-time code of a login link (`/#/login?code=…`), taken out of the address; else null. */
export function takeCode(): string | null {
  const found = /^#\/login\?code=([^&]+)/.exec(location.hash)
  if (found?.[1] === undefined) return null
  history.replaceState(null, '', location.pathname + location.search)
  return decodeURIComponent(found[1])
}
