/** How long a run has said nothing. */

import type { LiveLine } from '@/api/types'
import { useHeardNow } from './clock'

/** From here on silence is worth a word. */
const QUIET_SECONDS = 120

/** When the run last gave a sign of life: its output, or else whoever renews its lease. */
export function lastSign(live: LiveLine): number {
  return live.last_output_at ?? live.last_heartbeat_at ?? live.started_at
}

/** For how many seconds it has been quiet, if that is long; looked at every ten seconds. */
export function useQuiet(live: LiveLine | null): number | null {
  const now = useHeardNow(10)
  const seconds = live === null ? 0 : now - lastSign(live)
  return seconds > QUIET_SECONDS ? seconds : null
}
