/** What is drawn where; it changes only when tasks, links or folds do, never with a status. */

import { useState } from 'react'
import type { Node } from '@/api/types'
import { type Folded, fold } from './fold'
import { type Joint, type Layout, layOut } from './layout'

interface Shape {
  signature: string
  unfolded: ReadonlySet<string>
  folded: Folded
  layout: Layout
}

/** The folds and the layout of a graph. A task that is done folds when links change the next time. */
export function useShape(
  nodes: readonly Node[],
  links: readonly Joint[],
  unfolded: ReadonlySet<string>,
): Shape {
  const ids = nodes.map((node) => node.id).join(' ')
  const signature = `${ids}|${links.map((link) => `${link.parent_id} ${link.child_id}`).join(',')}`
  const [kept, keep] = useState<Shape>(() => shape(nodes, links, unfolded, signature))
  if (kept.signature === signature && kept.unfolded === unfolded) return kept
  const made = shape(nodes, links, unfolded, signature)
  keep(made)
  return made
}

function shape(
  nodes: readonly Node[],
  links: readonly Joint[],
  unfolded: ReadonlySet<string>,
  signature: string,
): Shape {
  const folded = fold(nodes, links, unfolded)
  return { signature, unfolded, folded, layout: layOut(folded.ids, folded.links) }
}
