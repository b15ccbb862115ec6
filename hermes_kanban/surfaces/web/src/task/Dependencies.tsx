import { Plus, X } from 'lucide-react'
import { useMemo, useState } from 'react'
import { useActions } from '@/actions/useActions'
import { type Card, statusOf } from '@/api/types'
import { shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Avatar, plainName } from '@/kit/Avatar'
import { Button, IconButton, Tip } from '@/kit/Button'
import { StatusIcon } from '@/kit/StatusIcon'
import { useTask } from './context'
import { useCards } from './data'
import { LinkPicker } from './LinkPicker'
import { Section } from './Section'
import { TaskLink } from './TaskLink'

/** What it waits for and what it releases, to be added to and taken from. */
export function Dependencies() {
  const { id, detail, may } = useTask()
  const [adds, setAdds] = useState(false)
  useKeys('task', { link: () => setAdds(true) }, may('link'))
  const parents = detail.links.filter((link) => link.child_id === id)
  const children = detail.links.filter((link) => link.parent_id === id)
  const ids = useMemo(
    () => detail.links.map((link) => (link.child_id === id ? link.parent_id : link.child_id)),
    [detail.links, id],
  )
  const cards = useCards(ids)
  const rows = [
    ...parents.map((link) => ({ link, id: link.parent_id, isParent: true })),
    ...children.map((link) => ({ link, id: link.child_id, isParent: false })),
  ]
  return (
    <Section
      title="Depends on and releases"
      count={rows.length || undefined}
      id="task-links"
      tools={
        may('link') && (
          <Button look="quiet" small hint={shown('link')} onClick={() => setAdds(true)}>
            <Plus className="i" aria-hidden="true" />
            Link
          </Button>
        )
      }
    >
      {adds && <LinkPicker linked={ids} onClose={() => setAdds(false)} />}
      {rows.length > 0 && (
        <ul className="task-box task-links">
          {rows.map((row) => (
            <LinkRow
              key={row.id}
              id={row.id}
              isParent={row.isParent}
              isReleased={row.link.released_at !== null}
              card={cards.get(row.id)}
            />
          ))}
        </ul>
      )}
      {rows.length === 0 && !adds && (
        <p className="dim">It waits for no task, and none waits for it.</p>
      )}
    </Section>
  )
}

function LinkRow(props: {
  id: string
  isParent: boolean
  isReleased: boolean
  card: Card | undefined
}) {
  const { id, isParent, card } = props
  const task = useTask()
  const actions = useActions()
  const said = isParent ? `${task.id} waits for ${id}` : `${id} waits for ${task.id}`
  const unlink = () => (isParent ? actions.unlink(id, task.id) : actions.unlink(task.id, id))
  return (
    <li>
      <Tip text={said + (props.isReleased ? ', but was released from that' : '')}>
        <span className="task-way">{isParent ? 'waits for' : 'releases'}</span>
      </Tip>
      {card === undefined ? (
        <span className="task-way-icon" />
      ) : (
        <>
          <StatusIcon status={statusOf(card)} />
          <span className="hidden-words">{card.status}</span>
        </>
      )}
      <TaskLink id={id} className="task-link-row">
        <span className="dim">{id}</span> <span className="cut">{card?.title}</span>
      </TaskLink>
      {card?.assignee != null && (
        <Tip text={plainName(card.assignee)}>
          <span role="img" aria-label={plainName(card.assignee)}>
            <Avatar name={card.assignee} />
          </span>
        </Tip>
      )}
      {task.may('unlink') && (
        <IconButton name={`Unlink ${id}`} small onClick={() => void unlink()}>
          <X className="i" />
        </IconButton>
      )}
    </li>
  )
}
