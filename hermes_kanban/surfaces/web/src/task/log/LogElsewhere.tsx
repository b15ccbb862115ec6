import { ExternalLink } from 'lucide-react'
import type { Problem } from '@/api/problem'
import { useBoard } from '@/app/board'
import type { Named } from '@/app/hosts'
import { pageOf } from '@/app/hostWords'
import { taskPlace } from '@/app/places'
import { useTask } from '../context'

/** Why the output cannot be read here, and the page on which it can. */
export function LogElsewhere(props: { runId: number; host: Named | null; problem: Problem }) {
  const { runId, host, problem } = props
  const { slug } = useBoard()
  const { id } = useTask()
  const place = `${taskPlace(slug, id)}?${new URLSearchParams({ part: 'log', run: String(runId) })}`
  const page = host === null || host.here === true ? null : pageOf(host, place)
  return (
    <div className="task-box log-elsewhere">
      {page === null ? (
        <p>{whyNot(host) ?? problem.sentence}</p>
      ) : (
        <>
          <p>Its output lies on host {host?.name}, whose own page shows it.</p>
          <a className="btn small" href={page} target="_blank" rel="noreferrer">
            Open it on {host?.name}
            <ExternalLink className="i" aria-hidden="true" />
            <span className="hidden-words">, in a new tab</span>
          </a>
        </>
      )}
    </div>
  )
}

/** That its host is not there to be asked; null where it is, or is forgotten. */
function whyNot(host: Named | null): string | null {
  switch (host?.presence) {
    case 'lost':
      return `Its output lies on host ${host.name}, which is not heard of.`
    case 'left':
      return `Its output lies on host ${host.name}, whose gateway has ended.`
    default:
      return null
  }
}
