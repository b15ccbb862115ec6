import {
  type CollisionDetection,
  DndContext,
  type DragEndEvent,
  type DragOverEvent,
  DragOverlay,
  type DropAnimation,
  MouseSensor,
  TouchSensor,
  useSensor,
  useSensors,
} from '@dnd-kit/core'
import { useQueryClient } from '@tanstack/react-query'
import { type RefObject, useCallback, useRef, useState } from 'react'
import { refuse } from '@/actions/moving'
import { cardOf } from '@/actions/optimism'
import { useActions } from '@/actions/useActions'
import { type Card as CardData, type Status, statusOf } from '@/api/types'
import { useKeys } from '@/keys/useKeys'
import { CALM, isMedia, NARROW } from '@/kit/useMedia'
import { Card } from '../Card'
import { useView } from '../context'
import { columnsOf } from '../filter'
import { focusCard } from '../focus'
import { clearSelection, selectedIds } from '../selection'
import { changeDrag, currentDrag, setDrag, useDrag } from './drag'
import { Grip } from './Grip'
import { KeyboardDrag } from './KeyboardDrag'
import { areHome, whyNotIn } from './targets'
import './drag.css'

const RETURN: DropAnimation = {
  duration: 150,
  easing: 'cubic-bezier(0.2, 0, 0, 1)',
  sideEffects: null,
}
const SILENT = {
  announcements: {
    onDragStart: () => undefined,
    onDragOver: () => undefined,
    onDragEnd: () => undefined,
    onDragCancel: () => undefined,
  },
  screenReaderInstructions: { draggable: '' },
}
// Only the columns scroll by themselves: a card lands where the order of its column puts it.
const SCROLL = {
  threshold: { x: 0.06, y: 0 },
  canScroll: (element: Element) => element.classList.contains('columns'),
}

/**
 * Lets the cards of a board be dragged from column to column, by pointer, touch and keyboard. It
 * stands beside them: what it learns of each movement is no business of theirs.
 */
export default function DragBoard({ board }: { board: RefObject<HTMLElement | null> }) {
  const { slug, grid, filter } = useView()
  const pressed = useRef<string | null>(null)
  const client = useQueryClient()
  const actions = useActions()
  const [returns, setReturns] = useState(false)
  const sensors = useSensors(
    useSensor(FreeMouse, { activationConstraint: { distance: 5 } }),
    // On a narrow screen a long press selects.
    useSensor(FreeTouch, { activationConstraint: { delay: 250, tolerance: 8 } }),
  )
  /** Takes a card, with the selection where it is of it, and asks where they may go. */
  const lift = useCallback(
    (id: string, by: 'pointer' | 'keys'): boolean => {
      const taken = cardOf(client, slug, id)
      if (taken === null) return false
      const ids = selectedIds().includes(id) ? selectedIds() : [id]
      const cards = ids.flatMap((one) => cardOf(client, slug, one) ?? [])
      setDrag({ taken, cards, by, moves: null, over: by === 'keys' ? statusOf(taken) : null })
      actions.movesOf(cards).then(
        (moves) => changeDrag(taken, { moves }),
        // What is not known is asked again by the drop, which tells why.
        () => undefined,
      )
      return true
    },
    [client, slug, actions],
  )
  /** Puts the cards down; answers whether they stay where they were. */
  const drop = useCallback((): boolean => {
    const drag = currentDrag()
    setDrag(null)
    if (drag?.over == null) return true
    const { over, cards, moves, taken } = drag
    if (areHome(drag, over)) return true
    const why = whyNotIn(drag, over)
    if (why !== null) {
      refuse(slug, cards, 'Not moved.', why)
      if (!hasFocus()) focusCard(grid, taken.id)
      return true
    }
    void actions.move(cards, over, moves === null ? {} : { known: moves }).then((isDone) => {
      if (isDone && cards.length > 1) clearSelection()
      if (!hasFocus()) focusCard(grid, taken.id)
    })
    return false
  }, [actions, slug, grid])
  const start = () => {
    setReturns(false)
    if (pressed.current !== null) lift(pressed.current, 'pointer')
  }
  const over = (event: DragOverEvent) => {
    const drag = currentDrag()
    if (drag !== null) changeDrag(drag.taken, { over: columnOf(event) })
  }
  const end = (event: DragEndEvent) => {
    const drag = currentDrag()
    if (drag !== null) changeDrag(drag.taken, { over: columnOf(event) })
    setReturns(drop())
  }
  const cancel = () => {
    setReturns(true)
    setDrag(null)
  }
  const isDragging = useDrag((drag) => drag?.by === 'pointer')
  // Escape is the drag's own: it does not clear the selection besides.
  useKeys('board', { back: () => undefined }, isDragging)
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={byColumn}
      accessibility={SILENT}
      autoScroll={SCROLL}
      onDragStart={start}
      onDragOver={over}
      onDragEnd={end}
      onDragCancel={cancel}
    >
      <Grip
        board={board}
        columns={columnsOf(filter)}
        onPress={(id) => {
          pressed.current = id
        }}
      />
      <KeyboardDrag lift={lift} drop={drop} />
      <DragOverlay dropAnimation={returns && !isMedia(CALM) ? RETURN : null} zIndex={40}>
        <Held />
      </DragOverlay>
    </DndContext>
  )
}

/** The card in the hand, the same as it is in its column. */
function Held() {
  const taken = useDrag((drag) => (drag?.by === 'pointer' ? drag.taken : null))
  const count = useDrag((drag) => drag?.cards.length ?? 0)
  const [last, setLast] = useState<CardData | null>(null)
  // It is seen returning after the drag has ended.
  if (taken !== null && taken !== last) setLast(taken)
  const card = taken ?? last
  if (card === null) return null
  return (
    <div className="held-card" aria-hidden="true" inert>
      <Card card={card} />
      {count > 1 && <b className="held-count">{count}</b>}
    </div>
  )
}

/** The column whose width the pointer is in, else the nearest: the whole height of it takes cards. */
const byColumn: CollisionDetection = ({
  droppableContainers,
  droppableRects,
  pointerCoordinates,
}) => {
  if (pointerCoordinates === null) return []
  const { x } = pointerCoordinates
  const found = droppableContainers.flatMap(({ id }) => {
    const rect = droppableRects.get(id)
    return rect === undefined ? [] : [{ id, off: Math.max(rect.left - x, 0, x - rect.right) }]
  })
  const [nearest] = found.toSorted((a, b) => a.off - b.off)
  return nearest === undefined ? [] : [{ id: nearest.id }]
}

function columnOf({ over }: Pick<DragOverEvent, 'over'>): Status | null {
  return (over?.id as Status | undefined) ?? null
}

function hasFocus(): boolean {
  return document.activeElement !== null && document.activeElement !== document.body
}

const CONTROLS = 'button, input, textarea, select, [contenteditable=true]'

/** Whether a press there takes the card: its buttons keep theirs. */
function isFree(target: EventTarget | null): boolean {
  return (target as Element | null)?.closest(CONTROLS) === null
}

class FreeMouse extends MouseSensor {
  static override activators: typeof MouseSensor.activators = [
    {
      eventName: 'onMouseDown',
      handler: ({ nativeEvent }) => nativeEvent.button === 0 && isFree(nativeEvent.target),
    },
  ]
}

class FreeTouch extends TouchSensor {
  static override activators: typeof TouchSensor.activators = [
    {
      eventName: 'onTouchStart',
      handler: ({ nativeEvent }) =>
        nativeEvent.touches.length === 1 && isFree(nativeEvent.target) && !isMedia(NARROW),
    },
  ]
}
