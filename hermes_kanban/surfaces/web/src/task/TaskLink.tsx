import type { MouseEvent, ReactNode } from 'react'
import { openTask } from '@/actions/opening'
import { useBoard } from '@/app/board'
import { taskPlace } from '@/app/places'
import { isForBrowser } from '@/kit/pressed'

/** A link to another task; it opens where this one is, unless a new tab is asked for. */
export function TaskLink(props: { id: string; className?: string; children?: ReactNode }) {
  const { slug } = useBoard()
  const open = (event: MouseEvent) => {
    if (isForBrowser(event)) return
    event.preventDefault()
    openTask(slug, props.id)
  }
  return (
    <a className={props.className ?? 'task-link'} href={taskPlace(slug, props.id)} onClick={open}>
      {props.children ?? props.id}
    </a>
  )
}
