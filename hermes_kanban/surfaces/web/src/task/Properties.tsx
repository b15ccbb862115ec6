import { ArrowRight, Signal } from 'lucide-react'
import { type ReactNode, useMemo } from 'react'
import { Link } from 'wouter'
import { priorityWord } from '@/actions/priorities'
import { useActions, useMenus } from '@/actions/useActions'
import { statusOf } from '@/api/types'
import { useBoard } from '@/app/board'
import { placeOf } from '@/app/places'
import { Avatar, plainName } from '@/kit/Avatar'
import { dollars, tokens } from '@/kit/numbers'
import { StatusIcon } from '@/kit/StatusIcon'
import { statusName } from '@/kit/sentences'
import { absolute, clockTime } from '@/kit/time'
import { useOffline } from '@/live/connection'
import { useTask } from './context'
import { useCards } from './data'
import { EditField } from './EditField'
import { HowItRuns } from './HowItRuns'
import { tokensOf } from './Runs'
import { SmallTree } from './SmallTree'
import { WorkspaceFacts } from './WorkspaceFacts'

/** The facts of a task, to be changed where its status allows that. */
export function Properties() {
  const { slug } = useBoard()
  const { id, detail, card, may } = useTask()
  const actions = useActions()
  const menus = useMenus()
  const { task, runs, links } = detail
  const ids = useMemo(
    () => links.map((link) => (link.child_id === id ? link.parent_id : link.child_id)),
    [links, id],
  )
  const cards = useCards(ids)
  const status = statusOf(task)
  const cost = runs.reduce((sum, run) => sum + (run.usage?.cost_usd ?? 0), 0)
  const hasCost = runs.some((run) => run.usage?.cost_usd != null)
  const used = runs.reduce((sum, run) => sum + (tokensOf(run) ?? 0), 0)
  const children = card?.children
  return (
    <aside className="task-side" aria-label="Properties">
      <dl className="task-facts">
        <Fact name="Status">
          <Choice does="move it" onChoose={() => void menus.move([task])}>
            <span className={`task-badge ${status}`}>
              <StatusIcon status={status} size={12} />
              {statusName(status)}
            </span>
          </Choice>
        </Fact>
        <Fact name="Assignee">
          <Choice
            does="assign it"
            onChoose={may('assign') ? () => void menus.assign([task]) : null}
          >
            {task.assignee === null ? (
              <span className="dim">nobody</span>
            ) : (
              <>
                <Avatar name={task.assignee} /> {plainName(task.assignee)}
              </>
            )}
          </Choice>
        </Fact>
        <Fact name="Filed by">
          <Avatar name={task.created_by} /> {plainName(task.created_by)}
          <span className="dim" title={absolute(task.created_at)}>
            {clockTime(task.created_at)}
          </span>
        </Fact>
        <Fact name="Priority">
          <Choice
            does="change the priority"
            onChoose={may('prioritise') ? () => void menus.priority([task]) : null}
          >
            {task.priority > 0 && <Signal className="i" aria-hidden="true" />}
            {task.priority === 0 ? (
              <span className="dim">none</span>
            ) : (
              statusName(priorityWord(task.priority))
            )}
            {task.effective_priority !== task.priority && (
              <span className="dim">counts as {task.effective_priority}</span>
            )}
          </Choice>
        </Fact>
        <Fact name="Tenant">
          {may('edit') ? (
            <EditField
              name="Tenant"
              value={task.tenant ?? ''}
              onSave={(tenant) => actions.edit(task, { tenant: tenant === '' ? null : tenant })}
            >
              {task.tenant ?? <span className="dim">none</span>}
            </EditField>
          ) : (
            (task.tenant ?? <span className="dim">none</span>)
          )}
        </Fact>
        {children !== undefined && children.all > 0 && (
          <Fact name="Releases">
            <progress
              max={children.all}
              value={children.done}
              aria-label="Done of what it releases"
            />
            {children.done} of {children.all}
          </Fact>
        )}
        {card?.checks != null && (
          <Fact name="Checks">
            {card.checks.done} of {card.checks.all}
          </Fact>
        )}
        <HowItRuns />
        {runs.length > 0 && (
          <Fact name="Cost">
            {hasCost ? dollars(cost) : '–'}
            <span className="dim">
              in {runs.length} {runs.length === 1 ? 'run' : 'runs'}
              {used > 0 && `, ${tokens(used)} tokens`}
            </span>
          </Fact>
        )}
        {task.completed_at !== null && (
          <Fact name="Completed">
            <time title={absolute(task.completed_at)}>{clockTime(task.completed_at)}</time>
          </Fact>
        )}
      </dl>
      {links.length > 0 && (
        <section aria-labelledby="task-tree-head">
          <div className="task-side-head">
            <h2 id="task-tree-head">Tree</h2>
            <Link href={`~${placeOf(slug, 'graph')}?root=${id}`}>
              Open graph <ArrowRight className="i" aria-hidden="true" />
            </Link>
          </div>
          <div className="task-box task-tree-box">
            <SmallTree cards={cards} />
          </div>
        </section>
      )}
      <WorkspaceFacts />
    </aside>
  )
}

/** One fact, by its name. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** A fact that opens a picker; a bare one where the status allows no change. */
function Choice(props: { does: string; onChoose: (() => void) | null; children: ReactNode }) {
  const offline = useOffline()
  if (props.onChoose === null) return props.children
  return (
    <button
      type="button"
      className="task-fact-edit"
      disabled={offline !== null}
      title={offline ?? undefined}
      onClick={props.onChoose}
    >
      {props.children}
      <span className="hidden-words">, {props.does}</span>
    </button>
  )
}
