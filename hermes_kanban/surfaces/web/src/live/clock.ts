/** The time of the server, told once a second to whoever shows one. */

import { useSyncExternalStore } from 'react'
import { useDeafSince } from './connection'
import { live } from './socket'

const listeners = new Set<() => void>()
let ticking: ReturnType<typeof setInterval> | undefined
let second = serverNow()

/** Unix seconds by the server's clock. */
export function serverNow(): number {
  return byServer(Date.now())
}

/** The server's Unix seconds at a time (ms) of this machine's clock. */
export function byServer(milliseconds: number): number {
  return Math.floor((milliseconds + live.ahead) / 1_000)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  ticking ??= setInterval(tick, 1_000)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }
}

function tick(): void {
  second = serverNow()
  for (const one of listeners) one()
}

live.onClock = tick

/**
 * The server's time in Unix seconds, which renders its component anew every `step` seconds only:
 * ages in minutes need no render a second.
 */
export function useNow(step = 1): number {
  return useSyncExternalStore(subscribe, () => {
    const now = ticking === undefined ? serverNow() : second
    return step === 1 ? now : now - (now % step)
  })
}

/** The same, which stands still while the server is not heard: what ran then may have ended. */
export function useHeardNow(step = 1): number {
  const now = useNow(step)
  return useDeafSince() ?? now
}
