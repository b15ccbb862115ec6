/** How long a run has said nothing. */

import type { LiveLine } from '@/api/types'
import { serverNow, useNow } from '@/live/clock'

/** From here on silence is worth a word. */
export const QUIET_SECONDS = 120

/** When the run last gave a sign of life: its output, or else whoever renews its lease. */
export function lastSign(live: LiveLine): number {
  return live.last_output_at ?? live.last_heartbeat_at ?? live.started_at
}

/** How long it is quiet now. */
export function quietSeconds(live: LiveLine): number {
  return Math.max(0, serverNow() - lastSign(live))
}

/** Whether it has been quiet for long; looked at every ten seconds. */
export function useQuiet(live: LiveLine | null): boolean {
  const now = useNow(10)
  return live !== null && now - lastSign(live) > QUIET_SECONDS
}
