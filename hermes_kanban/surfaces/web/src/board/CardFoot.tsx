import { Check, GitFork, Link2, MessageSquare } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Card } from '@/api/types'
import { Avatar, plainName } from '@/kit/Avatar'
import { count, dollars } from '@/kit/numbers'
import { useView } from './context'

const MOST = 3

/** Whose it is, and what is beside it. */
export function CardFoot({ card }: { card: Card }) {
  const { assignee } = card
  return (
    <div className="card-foot">
      {assignee !== null && <Avatar name={assignee} />}
      <span className="cut">{assignee === null ? 'unassigned' : plainName(assignee)}</span>
      <CardMeta card={card} />
    </div>
  )
}

/** Subtasks, checks, links, comments: at most three of them, and the cost where it is asked for. */
export function CardMeta({ card }: { card: Card }) {
  const { showCost } = useView()
  const { children, checks, open_parents, comments } = card
  const marks: ReactNode[] = []
  if (children.all > 0) {
    const told = `${children.done} of ${children.all} tasks after it are done`
    marks.push(
      <Meta key="children" told={told}>
        {children.done > 0 ? (
          <span className="bar" aria-hidden="true">
            <i style={{ width: `${(100 * children.done) / children.all}%` }} />
          </span>
        ) : (
          <GitFork className="i" aria-hidden="true" />
        )}
        {children.done}/{children.all}
      </Meta>,
    )
  }
  if (checks !== null) {
    marks.push(
      <Meta key="checks" told={`${checks.done} of ${checks.all} checks`}>
        <Check className="i" aria-hidden="true" />
        {checks.done}/{checks.all}
      </Meta>,
    )
  }
  if (open_parents > 0) {
    marks.push(
      <Meta key="links" told={`waits for ${open_parents} ${open_parents === 1 ? 'task' : 'tasks'}`}>
        <Link2 className="i" aria-hidden="true" />
        {count(open_parents)}
      </Meta>,
    )
  }
  if (comments > 0) {
    marks.push(
      <Meta key="comments" told={`${comments} ${comments === 1 ? 'comment' : 'comments'}`}>
        <MessageSquare className="i" aria-hidden="true" />
        {count(comments)}
      </Meta>,
    )
  }
  const cost = showCost && card.cost_usd !== null ? dollars(card.cost_usd) : null
  if (marks.length === 0 && cost === null) return null
  return (
    <span className="card-meta">
      {cost !== null && <Meta told={`cost ${cost}`}>{cost}</Meta>}
      {marks.slice(0, MOST)}
    </span>
  )
}

function Meta({ told, children }: { told: string; children: ReactNode }) {
  return (
    <span className="meta" title={told}>
      <span aria-hidden="true" className="meta">
        {children}
      </span>
      <span className="hidden-words">{told}</span>
    </span>
  )
}
