import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { useBoard } from '@/app/board'
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
