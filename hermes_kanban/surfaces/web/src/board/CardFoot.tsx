import { Check, Link2, MessageSquare } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Card } from '@/api/types'
import { Avatar, plainName } from '@/kit/Avatar'
import { count, dollars } from '@/kit/numbers'
import { useView } from './context'

const MOST = 3
const MOST_COMPACT = 2

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

/** The same in the first row of a compact card. */
export function CompactFoot({ card }: { card: Card }) {
  return (
    <>
      <CardMeta card={card} />
      {card.assignee !== null && (
        <span title={plainName(card.assignee)} className="card-who">
          <Avatar name={card.assignee} />
          <span className="hidden-words">{plainName(card.assignee)}</span>
        </span>
      )}
    </>
  )
}

/** Subtasks, checks, links, comments: the first few of them, and the cost where it is asked for. */
function CardMeta({ card }: { card: Card }) {
  const { showCost, compact } = useView()
  const { children, parents, checks, open_parents, comments } = card
  const marks: ReactNode[] = []
  if (children.done > 0) {
    marks.push(<Bar key="children" of={children} told="tasks after it are done" />)
  }
  if (checks !== null) {
    marks.push(
      <Meta key="checks" told={`${checks.done} of ${checks.all} checks`}>
        <Check className="i" aria-hidden="true" />
        {checks.done}/{checks.all}
      </Meta>,
    )
  }
  if (open_parents > 0 && parents.done > 0) {
    marks.push(<Bar key="parents" of={parents} told="tasks that it waits for are done" />)
  } else if (open_parents > 0) {
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
  if (marks.length === 0 && cost === null) return compact ? <span className="card-meta" /> : null
  return (
    <span className="card-meta">
      {cost !== null && <Meta told={`cost ${cost}`}>{cost}</Meta>}
      {marks.slice(0, compact ? MOST_COMPACT : MOST)}
    </span>
  )
}

/** How many of several tasks are done. */
function Bar({ of, told }: { of: Card['children']; told: string }) {
  return (
    <Meta told={`${of.done} of ${of.all} ${told}`}>
      <span className="bar">
        <i style={{ width: `${(100 * of.done) / of.all}%` }} />
      </span>
      {of.done}/{of.all}
    </Meta>
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
