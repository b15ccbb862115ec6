/** How a host stands, in words, shape and colour. Pure: tested with node. */

import type { Event, Host, Run, Status } from '../api/types.ts'

export interface HostStanding {
  word: 'Live' | 'Draining' | 'Lost' | 'Left'
  /** The status whose colour it has. */
  status: Status
}

/** The word of a host: whether it is there first, then what people want of it. */
export function hostStanding({ presence, state }: Pick<Host, 'presence' | 'state'>): HostStanding {
  if (presence === 'lost') return { word: 'Lost', status: 'blocked' }
  if (presence === 'left') return { word: 'Left', status: 'todo' }
  if (state === 'draining') return { word: 'Draining', status: 'running' }
  return { word: 'Live', status: 'done' }
}

/** That a host is not there, in a sentence; null for one that is, or of which nothing is known. */
export function goneWords({ name, presence }: Pick<Host, 'name'> & Partial<Host>): string | null {
  if (presence === 'lost') return `Host ${name} is not heard of.`
  return presence === 'left' ? `The gateway of host ${name} has ended.` : null
}

/** The id of the host that a run is or was on; null where nobody knows. */
export function hostIdOf(run: Pick<Run, 'worker_identity' | 'claimer_identity'>): string | null {
  return (run.worker_identity ?? run.claimer_identity)?.host ?? null
}

/** The address of a page of a host, below that of its gateway; null where people cannot reach it. */
export function pageOf(host: Partial<Host>, path: string): string | null {
  const address = host.presence === 'live' ? (host.gateway_url ?? '') : ''
  // It is what another machine said of itself.
  return /^https?:\/\/[^/]/.test(address) ? address.replace(/\/+$/, '') + path : null
}

const NEWS: Record<string, string> = {
  host_joined: 'has joined.',
  host_left: 'has left.',
  host_lost: 'is not heard of any more.',
  host_drained: 'starts nothing new.',
  host_resumed: 'starts tasks again.',
}

/** What an event says of a host, in a sentence; null for one about something else. */
export function hostNews({ kind, payload }: Pick<Event, 'kind' | 'payload'>): string | null {
  const { host } = payload as { host?: { name?: string } }
  const told = NEWS[kind]
  return told === undefined || host?.name === undefined ? null : `Host ${host.name} ${told}`
}
