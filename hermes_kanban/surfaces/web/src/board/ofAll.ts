/** What keeps every ready task from starting: said once above their column, not on each card. */

import { useMemo } from 'react'
import type { Health, Host } from '@/api/types'
import { useHosts, useIsServed } from '@/app/hosts'
import { useHealth } from '@/app/reads'
import { OF_ALL } from './why'

export interface OfAll {
  sentence: string
  /** Whether only a person changes that. */
  isStopped: boolean
}

/** Why nothing starts, null where something may. */
export function useWhyNothingStarts(): OfAll | null {
  const served = useIsServed()
  const health = useHealth().data
  const hosts = useHosts().data?.hosts
  return useMemo(() => whyNothingStarts(served, health, hosts), [served, health, hosts])
}

/** The codes of holds that are said above, and so on no card. */
export function useSaidOfAll(): readonly string[] {
  const health = useHealth().data
  const data = useHosts().data
  return useMemo(() => {
    const each: string[] = []
    if (!allDrain(data?.hosts)) each.push('draining')
    // Of several hosts some may be full, and one that has a place cannot run everything.
    if (data?.shared && data.hosts.length > 1 && !isFull(health)) each.push('max_in_progress')
    return OF_ALL.filter((code) => !each.includes(code))
  }, [health, data])
}

function whyNothingStarts(
  served: boolean | undefined,
  health: Health | undefined,
  hosts: readonly Host[] | undefined,
): OfAll | null {
  if (served === false) {
    return { sentence: 'Nothing starts: no gateway. You start it.', isStopped: true }
  }
  if (health === undefined) return null
  if (health.paused_at !== null) {
    return { sentence: 'The board is paused. You resume it.', isStopped: true }
  }
  if (allDrain(hosts)) {
    const live = liveOf(hosts)
    const [first] = live
    return live.length === 1
      ? { sentence: `Host ${first?.name} drains. You resume it.`, isStopped: true }
      : { sentence: 'Every host drains. You resume one.', isStopped: true }
  }
  if (!isFull(health)) return null
  return {
    sentence: `All ${health.max_in_progress} places are taken. The next run that ends frees one.`,
    isStopped: false,
  }
}

function isFull(health: Health | undefined): boolean {
  return health !== undefined && health.in_progress >= health.max_in_progress
}

function allDrain(hosts: readonly Host[] | undefined): boolean {
  const live = liveOf(hosts)
  return live.length > 0 && live.every((one) => one.state === 'draining')
}

function liveOf(hosts: readonly Host[] | undefined): readonly Host[] {
  return hosts?.filter((one) => one.presence === 'live') ?? []
}
