import type { Status } from '@/api/types'
import { useDrag } from './drag'
import { stateIn, whyNotIn } from './targets'

/** In a list of cards: fades it where it does not take the dragged ones. */
export function DropMark({ status }: { status: Status }) {
  const state = useDrag((drag) => stateIn(drag, status))
  return state === null ? null : <div className="drop-mark" data-drop={state} />
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
