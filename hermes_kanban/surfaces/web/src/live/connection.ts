import { useSyncExternalStore } from 'react'
import { type Connection, live } from './socket'

/** Whether the server is heard. */
export function useConnection(): Connection {
  return useSyncExternalStore(live.watch, live.connection)
}
