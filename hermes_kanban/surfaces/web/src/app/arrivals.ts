/** Tells readers what has come to need a person, politely. */

import { useEffect } from 'react'
import type { Card } from '@/api/types'
import { announce } from '@/kit/announce'
import { onEvents } from '@/live/board'

// Several that come together are told in one sentence.
const GATHER_MILLISECONDS = 300

/** While its component is shown: questions, reviews and breaker trips that others cause. */
export function useArrivals(board: string, actor: string): void {
  useEffect(() => {
    const come = new Map<string, Card>()
    let timer: ReturnType<typeof setTimeout> | undefined
    const say = () => {
      const [first] = come.values()
      if (first !== undefined) announce(come.size === 1 ? sentence(first) : several(come.size))
      come.clear()
    }
    const end = onEvents((message) => {
      if (message.board !== board) return
      const asking = new Set(
        message.events
          .filter((one) => one.actor !== actor && 'status' in partOf(one.payload))
          .map((one) => one.task_id),
      )
      for (const card of message.cards ?? []) {
        if (asking.has(card.id) && (card.state === 'needs_you' || card.state === 'error')) {
          come.set(card.id, card)
        }
      }
      clearTimeout(timer)
      if (come.size > 0) timer = setTimeout(say, GATHER_MILLISECONDS)
    })
    return () => {
      end()
      clearTimeout(timer)
    }
  }, [board, actor])
}

function partOf(payload: Record<string, unknown>): object {
  const part = payload.task
  return typeof part === 'object' && part !== null ? part : {}
}

function sentence({ state, status, title, assignee }: Card): string {
  const who = assignee ?? 'Somebody'
  if (state === 'error') return `Gave up: ${title}.`
  return status === 'review' ? `${who} requests review: ${title}.` : `${who} asks: ${title}.`
}

function several(many: number): string {
  return `${many} more tasks need you.`
}
