import { useHealth } from '@/app/reads'
import './health.css'

/** That the files of the configuration are wrong, and what is in force instead; else nothing. */
export function ConfigAlarm() {
  const wrong = useHealth().data?.config_error ?? null
  if (wrong === null) return null
  return (
    <p className="alarm blocked" role="alert">
      <b>The configuration is not in force.</b> {wrong}. The last good one is used until it is
      mended.
    </p>
  )
}
