import { useMemo, useState } from 'react'
import { Button } from '@/kit/Button'
import { absolute, clockTime } from '@/kit/time'
import { useTask } from './context'
import { useEvents } from './data'
import { actorName, sentenceOfEvent } from './eventWords'
import { type FieldChange, withChanges } from './fieldChanges'
import { Mentions } from './Mentions'

const PAGE = 50

/** Every event, the newest first, with what it changed. */
export function Events() {
  const { id, profiles } = useTask()
  const past = useEvents(id)
  const told = useMemo(() => withChanges(past.data?.events ?? []).toReversed(), [past.data])
  const [shown, setShown] = useState(PAGE)
  return (
    <>
      {past.data?.more && (
        <Button small onClick={() => void past.refetch()}>
          Read newer events
        </Button>
      )}
      <ol className="task-box task-events">
        {told.slice(0, shown).map(({ event, changes }) => (
          <li key={event.id}>
            <span className="task-event-id dim">{event.id}</span>
            <time className="dim" title={absolute(event.created_at)}>
              {clockTime(event.created_at)}
            </time>
            <div>
              <Mentions text={sentenceOfEvent(event, actorName(event, profiles))} />{' '}
              <code className="dim">{event.kind}</code>
              {changes.length > 0 && (
                <ul>
                  {changes.map((change) => (
                    <ChangeRow key={change.field} change={change} />
                  ))}
                </ul>
              )}
            </div>
          </li>
        ))}
      </ol>
      {told.length > shown && (
        <Button small onClick={() => setShown(shown + PAGE)}>
          Show {Math.min(PAGE, told.length - shown)} of {told.length - shown} earlier
        </Button>
      )}
    </>
  )
}

const TIMES = /_at$|_expires$/

function ChangeRow({ change }: { change: FieldChange }) {
  const { field, before, after } = change
  return (
    <li>
      <span className="dim">{field.replaceAll('_', ' ')}</span>{' '}
      {before !== null && (
        <>
          <del>
            <Value field={field} value={before} />
          </del>
          <span aria-hidden="true"> → </span>
          <span className="hidden-words"> became </span>
        </>
      )}
      <ins>
        <Value field={field} value={after} />
      </ins>
    </li>
  )
}

function Value({ field, value }: { field: string; value: unknown }) {
  if (value === null || value === '') return <i>nothing</i>
  if (TIMES.test(field) && typeof value === 'number') {
    return <time title={absolute(value)}>{clockTime(value)}</time>
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 160 ? <span title={text}>{text.slice(0, 159)}…</span> : text
}
