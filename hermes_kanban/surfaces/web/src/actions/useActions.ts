import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useBoard } from '@/app/board'
import { clockTime } from '@/kit/time'
import { useConnection } from '@/live/connection'
import { type Actions, actionsOn } from './actions'
import { type Menus, menusOn } from './menus'

/** The verbs on the board that is shown: `actions.assign([card], 'backend')`. */
export function useActions(): Actions {
  const client = useQueryClient()
  const { slug } = useBoard()
  return useMemo(() => actionsOn(client, slug), [client, slug])
}

/** The same where they ask first: `menus.assign([card])` opens the picker. */
export function useMenus(): Menus {
  const client = useQueryClient()
  const { slug } = useBoard()
  const actions = useActions()
  return useMemo(() => menusOn(client, slug, actions), [client, slug, actions])
}

/** Why nothing can be changed now, for buttons that are disabled then; null while all can. */
export function useOffline(): string | null {
  const { open, tried, since } = useConnection()
  return open || !tried ? null : `Not connected since ${clockTime(since / 1_000)}.`
}
