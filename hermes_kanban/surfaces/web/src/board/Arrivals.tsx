import { useEffect, useRef, useState } from 'react'
import type { Card } from '@/api/types'
import { onEvents } from '@/live/board'
import { useView } from './context'

const APART_MILLISECONDS = 5_000
// Events by which a task comes to wait for a person.
const ASKING = ['blocked', 'review_requested', 'gave_up', 'fenced']

/** Says to screen readers what has come to need a person: at most a sentence in five seconds. */
export function Arrivals() {
  const { slug } = useView()
  const [said, setSaid] = useState('')
  const waiting = useRef(new Map<string, Card>())
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const say = () => {
      timer = undefined
      const cards = [...waiting.current.values()]
      if (cards.length === 0) return
      waiting.current.clear()
      const [first] = cards
      setSaid(
        cards.length === 1 && first !== undefined
          ? `${first.id} needs you: ${first.title}.`
          : `${cards.length} tasks need you.`,
      )
      timer = setTimeout(say, APART_MILLISECONDS)
    }
    const end = onEvents((message) => {
      if (message.board !== slug) return
      const asking = new Set(
        message.events.filter((one) => ASKING.includes(one.kind)).map((one) => one.task_id),
      )
      for (const card of message.cards ?? []) {
        if (!asking.has(card.id) || !['needs_you', 'error'].includes(card.state)) continue
        waiting.current.set(card.id, card)
      }
      if (waiting.current.size > 0) timer ??= setTimeout(say, 0)
    })
    return () => {
      end()
      clearTimeout(timer)
    }
  }, [slug])
  return (
    <p className="hidden-words" role="status" aria-live="polite" aria-label="What needs you">
      {said}
    </p>
  )
}
