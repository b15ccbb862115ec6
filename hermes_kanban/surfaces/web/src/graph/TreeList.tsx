import { useMemo, useRef, useState } from 'react'
import { type Node, statusOf } from '@/api/types'
import { Elapsed } from '@/kit/Age'
import { Avatar } from '@/kit/Avatar'
import { StatusIcon } from '@/kit/StatusIcon'
import { useDeafSince } from '@/live/connection'
import { indent, type Line } from './indent'
import type { Joint } from './layout'

/** The same graph as an indented list, which is walked with the arrows and read out in order. */
export function TreeList(props: {
  nodes: readonly Node[]
  links: readonly Joint[]
  since: Readonly<Record<string, number>>
  critical: readonly string[]
  root: string
  onOpen: (id: string) => void
}) {
  const { nodes, links } = props
  const deafSince = useDeafSince()
  const list = useRef<HTMLDivElement>(null)
  const lines = useMemo(
    () =>
      indent(
        nodes.map((node) => node.id),
        links,
      ),
    [nodes, links],
  )
  const byId = useMemo(() => new Map(nodes.map((node) => [node.id, node])), [nodes])
  const [focus, setFocus] = useState<string | null>(null)
  const current = focus !== null && byId.has(focus) ? focus : props.root
  const onKeyDown = (event: React.KeyboardEvent) => {
    const at = lines.findIndex((line) => line.id === (event.target as HTMLElement).dataset.id)
    if (at < 0 || event.altKey || event.metaKey || event.ctrlKey) return
    const next = target(event.key, lines, at)
    if (event.key === 'Enter') props.onOpen(lines[at]?.id ?? '')
    else if (next === undefined) return
    else list.current?.querySelector<HTMLElement>(`[data-id="${next.id}"]`)?.focus()
    event.preventDefault()
  }
  return (
    <div
      className="tree-list"
      ref={list}
      role="tree"
      aria-label={`${nodes.length} tasks, each below what it waits for`}
      onKeyDown={onKeyDown}
      onFocus={(event) => setFocus((event.target as HTMLElement).dataset.id ?? null)}
    >
      {lines.map((line) => {
        const node = byId.get(line.id)
        if (node === undefined) return null
        const critical = props.critical.includes(line.id)
        return (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the tree around it handles Enter
          <div
            key={line.id}
            role="treeitem"
            aria-level={line.level}
            aria-setsize={line.of}
            aria-posinset={line.place}
            aria-current={line.id === props.root ? 'true' : undefined}
            tabIndex={line.id === current ? 0 : -1}
            data-id={line.id}
            className={`tree-line${critical ? ' critical' : ''}`}
            style={{ paddingLeft: 12 + Math.min(line.level - 1, 12) * 16 }}
            onClick={() => props.onOpen(line.id)}
          >
            <StatusIcon status={statusOf(node)} />
            <span className="hidden-words">{node.status}</span>
            <span className="tree-title">{node.title}</span>
            <span className="tree-meta">
              <span>{line.id}</span>
              {line.also.length > 0 && <span>also after {line.also.join(', ')}</span>}
              {node.assignee !== null && (
                <span className="tree-who">
                  <Avatar name={node.assignee} />
                  {node.assignee}
                </span>
              )}
              {node.status === 'running' && props.since[line.id] !== undefined && (
                <span className={deafSince === null ? 'st running' : 'dim'}>
                  <Elapsed since={props.since[line.id] ?? 0} />
                </span>
              )}
            </span>
          </div>
        )
      })}
    </div>
  )
}

/** The line that a key leads to; undefined for another key, and at the ends. */
function target(key: string, lines: readonly Line[], at: number): Line | undefined {
  const here = lines[at]
  switch (key) {
    case 'ArrowDown':
      return lines[at + 1]
    case 'ArrowUp':
      return lines[at - 1]
    case 'ArrowRight': {
      const next = lines[at + 1]
      return next !== undefined && here !== undefined && next.level > here.level ? next : undefined
    }
    case 'ArrowLeft':
      return lines.slice(0, at).findLast((line) => here !== undefined && line.level < here.level)
    case 'Home':
      return lines[0]
    case 'End':
      return lines.at(-1)
    default:
      return undefined
  }
}
