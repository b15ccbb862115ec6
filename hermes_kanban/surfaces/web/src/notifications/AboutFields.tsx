import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useDeferredValue, useId } from 'react'
import { held } from '@/api/client'
import { useBoard, useClient } from '@/app/board'
import { Labelled } from '@/create/Labelled'
import { Segments } from '@/kit/Segments'
import { keys } from '@/live/keys'
import type { Scope } from './draft'
import type { FieldProps } from './SubscribeForm'

const SCOPES: readonly { value: Scope; label: string }[] = [
  { value: 'board', label: 'The board' },
  { value: 'task', label: 'One task' },
  { value: 'tree', label: 'A task and its tree' },
]
const OF_TASK: readonly { value: Scope; label: string }[] = [
  { value: 'task', label: 'This task' },
  { value: 'tree', label: 'Its tree' },
  { value: 'board', label: 'The board' },
]

/** What it is about; the task is named by the id, and found by its words. */
export function AboutFields({ draft, set, problem, isOfTask }: FieldProps & { isOfTask: boolean }) {
  const list = useId()
  return (
    <>
      <div className="labelled">
        <span className="notify-label">About</span>
        <Segments
          label="About"
          value={draft.scope}
          options={isOfTask ? OF_TASK : SCOPES}
          onChange={(scope) => set({ scope })}
        />
        {draft.scope === 'tree' && (
          <p className="dim">
            With what waits for it, and what its runs create or wait for, now and later.
          </p>
        )}
      </div>
      {draft.scope !== 'board' && !isOfTask && (
        <Labelled label="Task" problem={problem} field="task_id">
          <input
            className="field"
            list={list}
            placeholder="Its id, or words of its title"
            autoComplete="off"
            spellCheck={false}
            value={draft.task}
            onChange={(event) => set({ task: event.target.value })}
          />
        </Labelled>
      )}
      <Found id={list} text={isOfTask ? '' : draft.task} />
    </>
  )
}

const FOUND = 8

function Found({ id, text }: { id: string; text: string }) {
  const { slug } = useBoard()
  const client = useClient()
  const wanted = useDeferredValue(text.trim())
  const found = useQuery({
    queryKey: keys.still(slug, 'find', { text: wanted }),
    enabled: wanted !== '',
    placeholderData: keepPreviousData,
    staleTime: 2_000,
    queryFn: async ({ signal }) => {
      const query = { text: wanted, order: 'newest' as const, limit: FOUND }
      return held(await client.GET('/cards', { params: { query }, signal })).cards
    },
  })
  return (
    <datalist id={id}>
      {(found.data ?? []).map((card) => (
        <option key={card.id} value={card.id} label={card.title} />
      ))}
    </datalist>
  )
}
