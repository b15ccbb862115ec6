/** The hosts of the board: what several parts of the page ask of them. */

import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { held } from '@/api/client'
import type { Host, Hosts } from '@/api/types'
import { keys } from '@/live/keys'
import { useBoard, useClient } from './board'

// That a host is heard of is no event.
const HOSTS_MILLISECONDS = 15_000
const NONE: readonly Host[] = []

/** Every host of the board; where several may share it, read at least every 15 s. */
export function useHosts(): UseQueryResult<Hosts> {
  const { slug } = useBoard()
  const client = useClient()
  return useQuery({
    queryKey: keys.slow(slug, 'hosts'),
    queryFn: async () => held(await client.GET('/hosts')),
    refetchInterval: ({ state }) => (state.data?.shared ? HOSTS_MILLISECONDS : false),
  })
}

/** The hosts of a board that has others than this one; none where nobody has to be told of hosts. */
export function useSeveralHosts(): readonly Host[] {
  const { data } = useHosts()
  return data?.shared && data.hosts.some((one) => !one.here) ? data.hosts : NONE
}

/** A host as a run names it; of one that is forgotten only that. */
export type Named = Pick<Host, 'host_id' | 'name'> & Partial<Host>

/** The host of that id, where there are several; null where nobody has to be told. */
export function useHost(id: string | null | undefined): Named | null {
  const hosts = useSeveralHosts()
  if (hosts.length === 0 || id == null) return null
  return hosts.find((one) => one.host_id === id) ?? { host_id: id, name: id }
}

/** The same, for one that is not the host of this page: what lies there cannot be read here. */
export function useElsewhere(id: string | null | undefined): Named | null {
  const host = useHost(id)
  return host?.here === true ? null : host
}

/** Whether a gateway starts the board's tasks, here or on another host; undefined while unknown. */
export function useIsServed(): boolean | undefined {
  const { gateway } = useBoard()
  const { data } = useHosts()
  if (gateway != null) return true
  if (data?.shared && data.hosts.some((one) => one.presence === 'live')) return true
  return gateway === undefined || data === undefined ? undefined : false
}
