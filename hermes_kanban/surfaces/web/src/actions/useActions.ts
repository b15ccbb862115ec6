import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useBoard } from '@/app/board'
import { type Actions, actionsOn } from './actions'
import { type Menus, menusOn } from './menus'
import { type Notifying, notifyingOn } from './notifying'

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

/** The verbs about subscriptions and deliveries of the board that is shown. */
export function useNotifying(): Notifying {
  const client = useQueryClient()
  const { slug } = useBoard()
  return useMemo(() => notifyingOn(client, slug), [client, slug])
}
