/** The board that is shown, for everything below it. */

import type { Client } from 'openapi-fetch'
import { createContext, useContext } from 'react'
import { boardClient } from '@/api/client'
import type { paths } from '@/api/schema'
import type { Gateway, ListedBoard } from '@/api/types'

export interface Shown {
  /** Its slug, as in addresses and keys. */
  slug: string
  name: string
  /** The gateway that serves it: null where none does, undefined while nobody has said. */
  gateway: Gateway | null | undefined
  boards: ListedBoard[]
  /** Who is logged in, as events sign it: `person:mara`. */
  actor: string
}

export const BoardContext = createContext<Shown | null>(null)

/** The board that is shown. */
export function useBoard(): Shown {
  const found = useContext(BoardContext)
  if (found === null) throw new Error('no board is around this')
  return found
}

/** The client of the board that is shown. */
export function useClient(): Client<paths> {
  return boardClient(useBoard().slug)
}
