import { memo } from 'react'
import { statusOf } from '@/api/types'
import { Elapsed } from '@/kit/Age'
import { Avatar } from '@/kit/Avatar'
import { isForBrowser } from '@/kit/pressed'
import { StatusIcon } from '@/kit/StatusIcon'

interface Props {
  id: string
  title: string
  status: string
  assignee: string | null
  since: number | undefined
  /** When its time stopped, because the server is not heard. */
  deafSince: number | null
  x: number
  y: number
  href: string
  critical: boolean
  isRoot: boolean
  /** Whether it is the one that Tab comes to. */
  current: boolean
  onOpen: (id: string) => void
}

/** One task of the drawing. Renders only when something of its own changes. */
export const GraphNode = memo(function GraphNode(props: Props) {
  const { id, title, status, assignee, critical } = props
  const open = (event: React.MouseEvent) => {
    if (isForBrowser(event)) return
    event.preventDefault()
    props.onOpen(id)
  }
  return (
    <a
      className={`graph-node ${status}${critical ? ' critical' : ''}${props.isRoot ? ' root' : ''}`}
      style={{ left: props.x, top: props.y }}
      href={props.href}
      data-id={id}
      draggable={false}
      tabIndex={props.current ? 0 : -1}
      aria-current={props.isRoot ? 'true' : undefined}
      onClick={open}
    >
      <StatusIcon status={statusOf(props)} />
      <span className="graph-title" title={title}>
        {title}
      </span>
      <span className="hidden-words">{status}</span>
      <span className="graph-meta">
        <span className="graph-id">{id}</span>
        {assignee !== null && (
          <>
            <Avatar name={assignee} />
            <span className="cut">{assignee}</span>
          </>
        )}
        {props.since !== undefined && (
          <span
            className={props.deafSince === null ? 'graph-since' : 'graph-since is-deaf'}
            aria-hidden="true"
          >
            <Elapsed since={props.since} />
          </span>
        )}
      </span>
      {critical && <span className="hidden-words">on the longest chain</span>}
    </a>
  )
})
