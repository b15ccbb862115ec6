import { useConnection } from '@/live/connection'

/** Since when the server is not heard, in Unix seconds; null while it is. Running times stop there. */
export function useDeafSince(): number | null {
  const { open, tried, since } = useConnection()
  return open || !tried ? null : Math.floor(since / 1_000)
}
