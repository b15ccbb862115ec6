import { useDroppable } from '@dnd-kit/core'
import { useId } from 'react'
import type { Status } from '@/api/types'
import { useDrag } from './drag'
import { stateIn, whyNotIn } from './targets'

/** Makes the column around it take cards. */
export function DropZone({ status }: { status: Status }) {
  const { setNodeRef } = useDroppable({ id: useId(), data: { status } })
  const state = useDrag((drag) => stateIn(drag, status))
  return (
    <div
      ref={(element) => setNodeRef(element?.parentElement ?? null)}
      className="drop-zone"
      data-drop={state ?? undefined}
    />
  )
}

/** In the head of a column: whether the dragged cards are over it, and why it does not take them. */
export function DropWord({ status }: { status: Status }) {
  const state = useDrag((drag) => stateIn(drag, status))
  const why = useDrag((drag) => whyNotIn(drag, status))
  const isOver = useDrag((drag) => drag?.over === status)
  if (state === null) return null
  return (
    <div className="drop-word" data-drop={state} data-over={isOver || undefined}>
      {state === 'refused' && <p className="drop-why">{why}</p>}
    </div>
  )
}
