import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { Node } from '@/api/types'
import { useBoard } from '@/app/board'
import { taskPlace } from '@/app/places'
import { useKeys } from '@/keys/useKeys'
import { StatusIcon } from '@/kit/StatusIcon'
import { useDeafSince } from '@/live/connection'
import type { Folded } from './fold'
import { GraphNode } from './GraphNode'
import { type Layout, SIZES } from './layout'
import { type Box, useCamera } from './useCamera'
import { type Arrow, step } from './walk'
import { ZoomButtons } from './ZoomButtons'

const ARROWS: readonly string[] = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']
const PAN = 80
const ABOVE = 36

interface Props {
  nodes: readonly Node[]
  since: Readonly<Record<string, number>>
  folded: Folded
  layout: Layout
  critical: readonly string[]
  root: string
  active: boolean
  onOpen: (id: string) => void
  onUnfold: (name: string) => void
}

/** The graph as a drawing that can be moved and walked. */
export function Drawing(props: Props) {
  const { layout, folded, critical, root } = props
  const { slug } = useBoard()
  const deafSince = useDeafSince()
  const frame = useRef<HTMLDivElement>(null)
  const layer = useRef<HTMLDivElement>(null)
  const camera = useCamera(frame, layer)
  const [focus, setFocus] = useState<string | null>(null)
  const start = nearestDrawn(critical[0] ?? root, folded)
  const current = focus !== null && layout.spots.has(focus) ? focus : start
  const onChain = useMemo(() => new Set(critical), [critical])
  const whole: Box = useMemo(
    () => ({ x: 0, y: -ABOVE, width: layout.width, height: layout.height + ABOVE }),
    [layout],
  )
  useSteady(frame, layout, camera, whole, start)
  const showAll = () => camera.fit(whole)
  useKeys(
    'graph',
    {
      zoomIn: () => camera.zoomBy(1.25),
      zoomOut: () => camera.zoomBy(0.8),
      zoomFit: showAll,
    },
    props.active,
  )
  const go = (id: string) => {
    setFocus(id)
    const found = frame.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`)
    found?.focus({ preventScroll: true })
  }
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (!ARROWS.includes(event.key) || event.altKey || event.metaKey || event.ctrlKey) return
    event.preventDefault()
    const at = (event.target as HTMLElement).dataset.id
    if (at === undefined) {
      const sign = event.key === 'ArrowLeft' || event.key === 'ArrowUp' ? PAN : -PAN
      if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') camera.panBy(sign, 0)
      else camera.panBy(0, sign)
      return
    }
    const next = step(layout, folded.links, at, event.key as Arrow)
    if (next !== null) go(next)
  }
  const onFocus = (event: React.FocusEvent) => {
    const id = (event.target as HTMLElement).dataset.id
    const spot = id === undefined ? undefined : layout.spots.get(id)
    if (id === undefined || spot === undefined) return
    setFocus(id)
    camera.reveal({ ...spot, width: SIZES.width, height: SIZES.height })
  }
  return (
    <div className="graph-room">
      {/* biome-ignore lint/a11y/useSemanticElements: it is no group of form fields */}
      <div
        className="graph-frame"
        ref={frame}
        role="group"
        aria-label={`Drawing of ${props.nodes.length} tasks. Arrow keys move it, and on a task lead along links.`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move what is shown in it
        tabIndex={0}
        onKeyDown={onKeyDown}
        onFocus={onFocus}
      >
        <div className="graph-layer" ref={layer}>
          <Levels layout={layout} />
          <Ways layout={layout} nodes={props.nodes} critical={critical} />
          {[...folded.folds].map(([name, ids]) => (
            <Fold
              key={name}
              name={name}
              count={ids.length}
              spot={layout.spots.get(name)}
              current={current === name}
              onUnfold={props.onUnfold}
            />
          ))}
          {props.nodes.map((node) => {
            const spot = layout.spots.get(node.id)
            if (spot === undefined) return null
            return (
              <GraphNode
                key={node.id}
                id={node.id}
                title={node.title}
                status={node.status}
                assignee={node.assignee}
                since={node.status === 'running' ? props.since[node.id] : undefined}
                deafSince={deafSince}
                x={spot.x}
                y={spot.y}
                href={taskPlace(slug, node.id)}
                critical={onChain.has(node.id)}
                isRoot={node.id === root}
                current={node.id === current}
                onOpen={props.onOpen}
              />
            )
          })}
        </div>
      </div>
      <ZoomButtons
        onIn={() => camera.zoomBy(1.25)}
        onOut={() => camera.zoomBy(0.8)}
        onFit={showAll}
      />
    </div>
  )
}

/** The node itself, or the fold that it is in. */
function nearestDrawn(id: string, folded: Folded): string {
  for (const [name, ids] of folded.folds) if (ids.includes(id)) return name
  return id
}

/** Opens where one wants to look, and keeps what is under the pointer there when links change. */
function useSteady(
  frame: React.RefObject<HTMLDivElement | null>,
  layout: Layout,
  camera: ReturnType<typeof useCamera>,
  whole: Box,
  start: string,
) {
  const before = useRef<Layout | null>(null)
  const opening = useRef({ whole, start })
  opening.current = { whole, start }
  useLayoutEffect(() => {
    const old = before.current
    before.current = layout
    if (old === null) {
      const spot = layout.spots.get(opening.current.start) ?? { x: 0, y: 0 }
      camera.open(opening.current.whole, { ...spot, width: SIZES.width, height: SIZES.height })
      return
    }
    if (old === layout) return
    const under =
      frame.current?.querySelector<HTMLElement>('.graph-node:hover') ??
      frame.current?.querySelector<HTMLElement>('.graph-node:focus')
    const id = under?.dataset.id ?? opening.current.start
    const was = old.spots.get(id)
    const is = layout.spots.get(id)
    if (was !== undefined && is !== undefined) camera.hold(was, is)
  }, [layout, camera, frame])
  useEffect(() => {
    if (frame.current === null) return
    const watched = new ResizeObserver(() => {
      const { whole: all, start: first } = opening.current
      const spot = before.current?.spots.get(first) ?? { x: 0, y: 0 }
      if (camera.hasMoved()) return
      camera.open(all, { ...spot, width: SIZES.width, height: SIZES.height })
    })
    watched.observe(frame.current)
    return () => watched.disconnect()
  }, [frame, camera])
}

function Levels({ layout }: { layout: Layout }) {
  return Array.from({ length: layout.levels }, (_, level) => (
    <span
      key={level}
      className="graph-level"
      aria-hidden="true"
      style={{ left: level * (SIZES.width + SIZES.across), top: -ABOVE }}
    >
      {level === 0 ? 'Start' : `Level ${level}`}
    </span>
  ))
}

function Ways(props: { layout: Layout; nodes: readonly Node[]; critical: readonly string[] }) {
  const { layout, critical } = props
  const next = new Map(critical.slice(1).map((id, at) => [critical[at], id]))
  const isCritical = (way: { parent: string; child: string }) => next.get(way.parent) === way.child
  const done = new Set(props.nodes.filter((one) => one.status === 'done').map((one) => one.id))
  const kind = (way: { parent: string; child: string }) => {
    if (isCritical(way)) return 'graph-way critical'
    const over = done.has(way.parent) || way.parent.startsWith('fold:')
    return over ? 'graph-way over' : 'graph-way'
  }
  // The thick ones lie on the others.
  const drawn = [...layout.ways].sort((a, b) => Number(isCritical(a)) - Number(isCritical(b)))
  return (
    <svg className="graph-ways" width={layout.width} height={layout.height} aria-hidden="true">
      {drawn.map((way) => (
        <path key={`${way.parent} ${way.child}`} className={kind(way)} d={way.path} />
      ))}
    </svg>
  )
}

function Fold(props: {
  name: string
  count: number
  spot: { x: number; y: number } | undefined
  current: boolean
  onUnfold: (name: string) => void
}) {
  if (props.spot === undefined) return null
  return (
    <button
      type="button"
      className="graph-node fold done"
      style={{ left: props.spot.x, top: props.spot.y }}
      data-id={props.name}
      tabIndex={props.current ? 0 : -1}
      onClick={() => props.onUnfold(props.name)}
    >
      <StatusIcon status="done" />
      <span className="graph-title">{props.count} done</span>
      <span className="graph-meta">Show them</span>
    </button>
  )
}
