import { Plus } from 'lucide-react'
import type { Counts, Status } from '@/api/types'
import { useNewTask } from '@/app/newTask'
import { InlineCreate } from '@/create/InlineCreate'
import { writeIn } from '@/create/inline'
import { IconButton } from '@/kit/Button'
import { count } from '@/kit/numbers'
import { StatusIcon } from '@/kit/StatusIcon'
import { statusName } from '@/kit/sentences'
import { CardList } from './CardList'
import { useView } from './context'
import { DropMark, DropWord } from './drag/DropWord'
import { isNarrow } from './filter'
import { HeldByAll } from './HeldByAll'
import { countWords } from './words'

/** A column: its head stays, its cards scroll below. */
export function Column({ status, counts }: { status: Status; counts: Counts | undefined }) {
  return (
    <section
      className={`column ${status}`}
      aria-labelledby={`column-${status}`}
      data-column={status}
    >
      <ColumnHead status={status} counts={counts} />
      <InlineCreate status={status} />
      <CardList cell={{ status }} label={`${statusName(status)} tasks`} />
      <DropMark status={status} />
    </section>
  )
}

/** The name of a column, how many tasks are in it, and what makes a new one. */
export function ColumnHead({ status, counts }: { status: Status; counts: Counts | undefined }) {
  const { filter } = useView()
  const newTask = useNewTask()
  const name = statusName(status)
  return (
    <header className="column-head">
      <StatusIcon status={status} />
      <h2 id={`column-${status}`}>{name}</h2>
      {counts !== undefined && (
        <span className="column-count">
          {countWords(
            counts.matching[status] ?? 0,
            counts.all[status] ?? 0,
            isNarrow(filter),
            count,
          )}
        </span>
      )}
      {status === 'ready' && (counts?.all.ready ?? 0) > 0 && <HeldByAll />}
      {status !== 'archived' && (
        <IconButton
          name={`New task in ${name}`}
          small
          className="column-new"
          onClick={() => writeIn(status) || newTask({ status })}
        >
          <Plus className="i" />
        </IconButton>
      )}
      <DropWord status={status} />
    </header>
  )
}
