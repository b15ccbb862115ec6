/** What every part of one board view needs. */

import { createContext, useContext } from 'react'
import type { Card } from '@/api/types'
import type { Part } from '@/app/places'
import type { Filter } from './filter'
import type { Grid } from './grid'

export interface View {
  slug: string
  filter: Filter
  grid: Grid
  compact: boolean
  showCost: boolean
  /** Whether cards name their tenant: not where all have the same, nor in lanes by tenant. */
  showTenant: boolean
  /** The time (Unix seconds) since which nothing is heard, null while the board is live. */
  deafSince: number | null
  /** In the drawer, at a part of the task if one is named. */
  open: (id: string, part?: Part) => void
  openPage: (id: string) => void
  /** A press on a card that asks for selection: `extend` up to it. */
  pick: (card: Card, extend: boolean) => void
}

export const ViewContext = createContext<View | null>(null)

/** The board view around this. */
export function useView(): View {
  const found = useContext(ViewContext)
  if (found === null) throw new Error('no board view is around this')
  return found
}
