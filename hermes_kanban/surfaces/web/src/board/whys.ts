/** Why the cards that are shown wait: one request for all of them, and again when that changes. */

import { useEffect, useSyncExternalStore } from 'react'
import { boardClient, held } from '@/api/client'
import type { Card, Hold } from '@/api/types'
import { onEvents } from '@/live/board'

const GATHER_MILLISECONDS = 60
// A cap that frees lets any card go, so after any event all are asked about, at leisure.
const AGAIN_MILLISECONDS = 1_000
const MOST_IDS = 100
const NONE: readonly Hold[] = []

interface Known {
  /** The status that the task had then: what held it in another says nothing now. */
  status: string
  holds: readonly Hold[]
}

class Whys {
  private readonly wanted = new Map<string, number>()
  private readonly known = new Map<string, Known>()
  private readonly listeners = new Set<() => void>()
  private timer: ReturnType<typeof setTimeout> | undefined
  private ending: (() => void) | undefined
  private readonly board: string

  constructor(board: string) {
    this.board = board
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  of(id: string, status: string): readonly Hold[] {
    const known = this.known.get(id)
    return known?.status === status ? known.holds : NONE
  }

  want(id: string, status: string): () => void {
    this.wanted.set(id, (this.wanted.get(id) ?? 0) + 1)
    this.ending ??= onEvents((message) => {
      if (message.board === this.board) this.askIn(AGAIN_MILLISECONDS)
    })
    if (this.known.get(id)?.status !== status) this.askIn(GATHER_MILLISECONDS)
    return () => {
      const left = (this.wanted.get(id) ?? 1) - 1
      if (left > 0) this.wanted.set(id, left)
      else this.wanted.delete(id)
      if (this.wanted.size > 0) return
      this.ending?.()
      this.ending = undefined
    }
  }

  private askIn(milliseconds: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined
      void this.ask([...this.wanted.keys()])
    }, milliseconds)
  }

  private async ask(ids: string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += MOST_IDS) {
      const some = ids.slice(at, at + MOST_IDS)
      const answer = await boardClient(this.board)
        .GET('/why', { params: { query: { ids: some } } })
        .catch(() => null)
      // What is not told stays as it was said before; the next event asks again.
      if (answer === null) return
      for (const { id, status, holds } of held(answer).tasks) this.take(id, { status, holds })
    }
    for (const one of this.listeners) one()
  }

  private take(id: string, known: Known): void {
    // The same object while nothing changed: nobody renders for it.
    if (JSON.stringify(this.known.get(id)) !== JSON.stringify(known)) this.known.set(id, known)
  }
}

const boards = new Map<string, Whys>()

function whysOf(board: string): Whys {
  let found = boards.get(board)
  if (found === undefined) {
    found = new Whys(board)
    boards.set(board, found)
  }
  return found
}

/** What holds that card back, as the server says; empty while it is not asked for. */
export function useHolds(board: string, card: Card, ask: boolean): readonly Hold[] {
  const whys = whysOf(board)
  const { id, status } = card
  useEffect(() => (ask ? whys.want(id, status) : undefined), [whys, id, status, ask])
  return useSyncExternalStore(whys.subscribe, () => (ask ? whys.of(id, status) : NONE))
}
