/** Whether the server is heard, and what that means for the page. */

import { useSyncExternalStore } from 'react'
import { sentence } from '@/kit/sentences'
import { clockTime } from '@/kit/time'
import { type Connection, live } from './socket'

/** Whether the server and the board are heard. */
export function useConnection(): Connection {
  return useSyncExternalStore(live.watch, live.connection)
}

/** Since when the server is not heard, in Unix seconds; null while it is. Running times stop there. */
export function useDeafSince(): number | null {
  return deafSince(useConnection())
}

/** Why nothing can be changed now, in a sentence; null while the server is heard. */
export function offlineSentence(): string | null {
  return sentenceOn(live.connection())
}

/** The same as it changes, for what is disabled then. */
export function useOffline(): string | null {
  return sentenceOn(useConnection())
}

function deafSince({ open, tried, since }: Connection): number | null {
  return open || !tried ? null : Math.floor(since / 1_000)
}

function sentenceOn(connection: Connection): string | null {
  const since = deafSince(connection)
  if (since === null) return null
  const { why } = connection
  const time = clockTime(since)
  return why === null
    ? `Not connected since ${time}.`
    : `The board is not heard since ${time}: ${sentence(why)}`
}
