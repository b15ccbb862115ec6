import { useMemo } from 'react'
import { openTask } from '@/actions/opening'
import { type Card, type Status, statusOf } from '@/api/types'
import { useBoard } from '@/app/board'
import { taskPlace } from '@/app/places'
import { layOut, type Sizes } from '@/graph/layout'
import { isForBrowser } from '@/kit/pressed'
import { StatusIcon } from '@/kit/StatusIcon'
import { useTask } from './context'

const BOX: Sizes = { width: 66, height: 24, across: 28, down: 8 }
const MOST_OF_A_SIDE = 6
const EDGE = 2

/** The task between those that it waits for and those that wait for it. */
export function SmallTree({ cards }: { cards: ReadonlyMap<string, Card> }) {
  const { slug } = useBoard()
  const { id, detail } = useTask()
  const { links } = detail
  const parents = links.filter((link) => link.child_id === id).slice(0, MOST_OF_A_SIDE)
  const children = links.filter((link) => link.parent_id === id).slice(0, MOST_OF_A_SIDE)
  const shown = [...parents, ...children]
  const names = shown.map((link) => `${link.parent_id} ${link.child_id}`).join(' ')
  // biome-ignore lint/correctness/useExhaustiveDependencies: the ids are all that it is made of
  const drawn = useMemo(() => {
    const ids = [
      id,
      ...shown.map((link) => (link.child_id === id ? link.parent_id : link.child_id)),
    ]
    return layOut(ids, shown, BOX)
  }, [id, names])
  const left = links.length - shown.length
  if (shown.length === 0) return null
  return (
    <>
      <svg
        className="task-tree"
        viewBox={`${-EDGE} ${-EDGE} ${drawn.width + 2 * EDGE} ${drawn.height + 2 * EDGE}`}
        style={{ maxWidth: drawn.width + 2 * EDGE }}
      >
        {drawn.ways.map((way) => (
          <path key={`${way.parent} ${way.child}`} className="task-tree-way" d={way.path} />
        ))}
        {[...drawn.spots].map(([one, spot]) => {
          const status = one === id ? statusOf(detail.task) : statusIn(cards, one)
          return (
            <TreeNode
              key={one}
              id={one}
              x={spot.x}
              y={spot.y}
              status={status}
              title={one === id ? detail.task.title : cards.get(one)?.title}
              isThis={one === id}
              href={taskPlace(slug, one)}
              onOpen={() => openTask(slug, one)}
            />
          )
        })}
      </svg>
      {left > 0 && <p className="dim">and {left} more</p>}
    </>
  )
}

function statusIn(cards: ReadonlyMap<string, Card>, id: string): Status | null {
  const card = cards.get(id)
  return card === undefined ? null : statusOf(card)
}

function TreeNode(props: {
  id: string
  x: number
  y: number
  status: Status | null
  title: string | undefined
  isThis: boolean
  href: string
  onOpen: () => void
}) {
  const { id, x, y, status, isThis } = props
  return (
    <a
      href={props.href}
      className="task-tree-node"
      aria-current={isThis || undefined}
      aria-label={`${id} ${props.title ?? ''}, ${status ?? ''}`}
      onClick={(event) => {
        if (isForBrowser(event)) return
        event.preventDefault()
        if (!isThis) props.onOpen()
      }}
    >
      <title>{props.title ?? id}</title>
      <rect x={x} y={y} width={BOX.width} height={BOX.height} rx="5" />
      <g transform={`translate(${x + 6} ${y + 6})`}>
        {status !== null && <StatusIcon status={status} size={12} />}
      </g>
      <text x={x + 22} y={y + 16}>
        {id.slice(2, 8)}
      </text>
    </a>
  )
}
