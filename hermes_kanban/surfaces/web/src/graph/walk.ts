/** Where the focus goes on a graph when an arrow is pressed. */

import type { Joint, Layout } from './layout.ts'

export type Arrow = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown'

/** Along a link to the nearest neighbour, or to the next of the same level; null at the end. */
export function step(
  layout: Layout,
  links: readonly Joint[],
  from: string,
  arrow: Arrow,
): string | null {
  const here = layout.spots.get(from)
  if (here === undefined) return null
  if (arrow === 'ArrowLeft' || arrow === 'ArrowRight') {
    const ends = links.flatMap((link) => {
      if (arrow === 'ArrowRight') return link.parent_id === from ? [link.child_id] : []
      return link.child_id === from ? [link.parent_id] : []
    })
    return nearest(layout, ends, (spot) => Math.abs(spot.y - here.y) + Math.abs(spot.x - here.x))
  }
  const down = arrow === 'ArrowDown'
  const beside = [...layout.spots].filter(
    ([, spot]) => spot.level === here.level && (down ? spot.y > here.y : spot.y < here.y),
  )
  return nearest(
    layout,
    beside.map(([id]) => id),
    (spot) => Math.abs(spot.y - here.y),
  )
}

function nearest(
  layout: Layout,
  ids: readonly string[],
  distance: (spot: { x: number; y: number }) => number,
): string | null {
  let best: string | null = null
  let least = Number.POSITIVE_INFINITY
  for (const id of ids) {
    const spot = layout.spots.get(id)
    if (spot === undefined || distance(spot) >= least) continue
    least = distance(spot)
    best = id
  }
  return best
}
