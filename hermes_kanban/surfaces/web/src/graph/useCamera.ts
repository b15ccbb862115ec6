/** Where a drawing is looked at from: drag, wheel, pinch, and what keys ask for. */

import { type RefObject, useEffect, useMemo, useRef } from 'react'

interface Camera {
  x: number
  y: number
  zoom: number
}

interface Point {
  x: number
  y: number
}

export interface Box extends Point {
  width: number
  height: number
}

const LEAST = 0.08
const MOST = 2
const MARGIN = 32
const DRAG_BEGINS = 4
/** Below this a whole graph cannot be read, so it opens on its own part of it. */
const READABLE = 0.6

/**
 * Moves `layer` inside `frame`; nothing is rendered for it. Whoever draws tells boxes in the
 * drawing's own measure.
 */
export function useCamera(
  frame: RefObject<HTMLElement | null>,
  layer: RefObject<HTMLElement | null>,
) {
  const camera = useRef<Camera>({ x: MARGIN, y: MARGIN, zoom: 1 })
  const moved = useRef(false)
  const actions = useMemo(() => {
    const apply = () => {
      const { x, y, zoom } = camera.current
      if (layer.current === null) return
      layer.current.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`
    }
    const panBy = (dx: number, dy: number) => {
      camera.current.x += dx
      camera.current.y += dy
      moved.current = true
      apply()
    }
    const zoomBy = (factor: number, at?: Point) => {
      const { x, y, zoom } = camera.current
      const size = sizeOf(frame.current)
      const point = at ?? { x: size.width / 2, y: size.height / 2 }
      const next = Math.min(MOST, Math.max(LEAST, zoom * factor))
      const ratio = next / zoom
      camera.current = {
        x: point.x - (point.x - x) * ratio,
        y: point.y - (point.y - y) * ratio,
        zoom: next,
      }
      moved.current = true
      apply()
    }
    const fit = (whole: Box) => {
      const size = sizeOf(frame.current)
      const zoom = fitting(size, whole)
      camera.current = {
        x: Math.max(MARGIN, (size.width - whole.width * zoom) / 2) - whole.x * zoom,
        y: Math.max(MARGIN, (size.height - whole.height * zoom) / 3) - whole.y * zoom,
        zoom,
      }
      apply()
    }
    /** All of it if that can be read, else `part` and what follows it. */
    const open = (whole: Box, part: Box) => {
      const size = sizeOf(frame.current)
      moved.current = false
      if (fitting(size, whole) >= READABLE) return fit(whole)
      const zoom = size.width < 600 ? 0.8 : 0.9
      camera.current = {
        x: Math.min(MARGIN - whole.x * zoom, size.width / 3 - part.x * zoom),
        y: size.height / 2 - (part.y + part.height / 2) * zoom,
        zoom,
      }
      apply()
    }
    /** Moves just as far as it takes to see the box. */
    const reveal = (box: Box) => {
      const { x, y, zoom } = camera.current
      const size = sizeOf(frame.current)
      const dx = shift(x + box.x * zoom, box.width * zoom, size.width)
      const dy = shift(y + box.y * zoom, box.height * zoom, size.height)
      if (dx !== 0 || dy !== 0) panBy(dx, dy)
    }
    /** What lay at `before` in the drawing and lies at `after` now stays where it is seen. */
    const hold = (before: Point, after: Point) => {
      const { zoom } = camera.current
      camera.current.x += (before.x - after.x) * zoom
      camera.current.y += (before.y - after.y) * zoom
      apply()
    }
    return { panBy, zoomBy, fit, open, reveal, hold, hasMoved: () => moved.current }
  }, [frame, layer])
  useEffect(() => {
    if (frame.current === null) return
    return listen(frame.current, actions.panBy, actions.zoomBy)
  }, [frame, actions])
  return actions
}

function sizeOf(frame: HTMLElement | null): { width: number; height: number } {
  return { width: frame?.clientWidth ?? 0, height: frame?.clientHeight ?? 0 }
}

function fitting(size: { width: number; height: number }, whole: Box): number {
  const across = (size.width - 2 * MARGIN) / Math.max(1, whole.width)
  const down = (size.height - 2 * MARGIN) / Math.max(1, whole.height)
  return Math.max(LEAST, Math.min(1, across, down))
}

function shift(at: number, length: number, room: number): number {
  if (at < MARGIN) return MARGIN - at
  if (at + length > room - MARGIN) return Math.max(MARGIN - at, room - MARGIN - length - at)
  return 0
}

function listen(
  frame: HTMLElement,
  panBy: (dx: number, dy: number) => void,
  zoomBy: (factor: number, at: Point) => void,
): () => void {
  const pointers = new Map<number, Point>()
  let dragged = false
  const inside = (event: { clientX: number; clientY: number }): Point => {
    const box = frame.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }
  const down = (event: PointerEvent) => {
    if (event.button > 1) return
    if (pointers.size === 0) dragged = false
    pointers.set(event.pointerId, inside(event))
  }
  const move = (event: PointerEvent) => {
    const before = pointers.get(event.pointerId)
    if (before === undefined) return
    const now = inside(event)
    const far = Math.hypot(now.x - before.x, now.y - before.y)
    if (!dragged && pointers.size === 1 && far < DRAG_BEGINS) return
    if (!dragged) {
      dragged = true
      // From here on the pointer is ours; until then a press on a task is that task's.
      for (const id of pointers.keys()) frame.setPointerCapture(id)
      frame.classList.add('dragging')
    }
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1]
    if (other === undefined) panBy(now.x - before.x, now.y - before.y)
    else {
      const apart = Math.hypot(before.x - other.x, before.y - other.y)
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }
      panBy((now.x - before.x) / 2, (now.y - before.y) / 2)
      if (apart > 0) zoomBy(Math.hypot(now.x - other.x, now.y - other.y) / apart, middle)
    }
    pointers.set(event.pointerId, now)
  }
  const up = (event: PointerEvent) => {
    pointers.delete(event.pointerId)
    if (pointers.size === 0) frame.classList.remove('dragging')
  }
  const click = (event: MouseEvent) => {
    if (!dragged) return
    event.preventDefault()
    event.stopPropagation()
    dragged = false
  }
  const wheel = (event: WheelEvent) => {
    event.preventDefault()
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1
    if (event.ctrlKey || event.metaKey) {
      zoomBy(Math.exp((-event.deltaY * unit) / 300), inside(event))
    } else if (event.shiftKey && event.deltaX === 0) panBy(-event.deltaY * unit, 0)
    else panBy(-event.deltaX * unit, -event.deltaY * unit)
  }
  const off = new AbortController()
  const { signal } = off
  frame.addEventListener('pointerdown', down, { signal })
  frame.addEventListener('pointermove', move, { signal })
  frame.addEventListener('pointerup', up, { signal })
  frame.addEventListener('pointercancel', up, { signal })
  frame.addEventListener('click', click, { signal, capture: true })
  frame.addEventListener('wheel', wheel, { signal, passive: false })
  return () => off.abort()
}
