import { useDraggable, useDroppable } from '@dnd-kit/core'
import { type RefObject, useEffect, useRef } from 'react'
import type { Status } from '@/api/types'

const CARD: Record<string, string> = { mousedown: 'onMouseDown', touchstart: 'onTouchStart' }

/**
 * Hears presses on the cards of a board, and takes the one that is pressed. There is one of it for
 * all cards, beside them: a thousand would each be rendered anew whenever the pointer moves on.
 */
export function Grip(props: {
  board: RefObject<HTMLElement | null>
  columns: readonly Status[]
  onPress: (id: string) => void
}) {
  const { board, columns, onPress } = props
  const { listeners, setNodeRef } = useDraggable({ id: 'card' })
  const newest = useRef({ listeners, setNodeRef, onPress })
  newest.current = { listeners, setNodeRef, onPress }
  const zones = useRef(new Set<() => void>())
  useEffect(() => {
    const element = board.current
    if (element === null) return
    const press = (event: Event) => {
      const card = (event.target as Element).closest<HTMLElement>('.card[data-card]:not(.is-gone)')
      const name = CARD[event.type]
      const handler = name === undefined ? undefined : newest.current.listeners?.[name]
      if (card?.dataset.card === undefined || handler === undefined) return
      newest.current.onPress(card.dataset.card)
      newest.current.setNodeRef(card)
      for (const find of zones.current) find()
      // The sensors are written for React's events, and look at the native one.
      handler({ nativeEvent: event, target: event.target, persist: () => undefined })
    }
    for (const type of Object.keys(CARD)) element.addEventListener(type, press, { passive: true })
    return () => {
      for (const type of Object.keys(CARD)) element.removeEventListener(type, press)
    }
  }, [board])
  return columns.map((status) => <Zone key={status} status={status} zones={zones.current} />)
}

/** A column as a place to let go; its head tells how wide it is. */
function Zone({ status, zones }: { status: Status; zones: Set<() => void> }) {
  const { setNodeRef } = useDroppable({ id: status })
  useEffect(() => {
    const find = () =>
      setNodeRef(
        document.getElementById(`column-${status}`)?.closest<HTMLElement>('.column-head') ?? null,
      )
    zones.add(find)
    return () => {
      zones.delete(find)
    }
  }, [status, zones, setNodeRef])
  return null
}
