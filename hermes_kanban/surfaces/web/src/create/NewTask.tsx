import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useSearchParams } from 'wouter'
import { assigneeOptions } from '@/actions/menus'
import { PRIORITIES, priorityWord } from '@/actions/priorities'
import { newKey } from '@/api/client'
import { Problem } from '@/api/problem'
import { STATUSES, type Status } from '@/api/types'
import { useBoard } from '@/app/board'
import { NEW_TASK_PARAMS } from '@/app/newTask'
import { inWords } from '@/keys/table'
import { Button } from '@/kit/Button'
import { Dialog } from '@/kit/Dialog'
import { isSend } from '@/kit/pressed'
import { statusName } from '@/kit/sentences'
import { useOffline } from '@/live/connection'
import { keys } from '@/live/keys'
import { BodyField } from './BodyField'
import { type Draft, emptyDraft, isWritten, keepDraft, keptDraft, missing, wantedOf } from './draft'
import { Labelled } from './Labelled'
import { MoreFields } from './MoreFields'
import { whyNotIn } from './making'
import { ParentsField } from './ParentsField'
import { useMake } from './useMake'
import './create.css'

const COLUMNS_TO_CHOOSE = STATUSES.filter((one) => whyNotIn(one) === null)

/** The whole form of a new task, as the address asks for it. */
export default function NewTask() {
  const [search, setSearch] = useSearchParams()
  const { slug } = useBoard()
  const close = () =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before)
        for (const name of NEW_TASK_PARAMS) next.delete(name)
        return next
      },
      { replace: true },
    )
  const [kept] = useState(() => keptDraft(slug))
  const [draft, setDraft] = useState(() => begun(kept, search))
  const set = (change: Partial<Draft>) => setDraft((before) => ({ ...before, ...change }))
  useEffect(() => keepDraft(slug, draft), [slug, draft])
  return (
    <Form
      draft={draft}
      set={set}
      isKept={kept !== null && kept.key === draft.key}
      onClose={close}
      onDone={() => {
        keepDraft(slug, null)
        close()
      }}
    />
  )
}

/** A draft that was left goes on, unless the address begins another. */
function begun(kept: Draft | null, search: URLSearchParams): Draft {
  const asked = search.get('new') as Status
  const status = COLUMNS_TO_CHOOSE.includes(asked) ? asked : 'ready'
  const parent = search.get('parent')
  const title = search.get('title')
  if (kept !== null && title === null && parent === null) return kept
  return {
    ...emptyDraft(newKey()),
    status,
    title: title ?? '',
    parents: parent === null ? [] : [parent],
  }
}

interface FormProps {
  draft: Draft
  set: (change: Partial<Draft>) => void
  isKept: boolean
  onClose: () => void
  onDone: () => void
}

function Form({ draft, set: change, isKept, onClose, onDone }: FormProps) {
  const make = useMake()
  const offline = useOffline()
  const title = useRef<HTMLTextAreaElement>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [sending, setSending] = useState(false)
  const set = (changes: Partial<Draft>) => {
    setProblem(null)
    change(changes)
  }
  const lacks = missing(draft)
  const canSend = Object.keys(lacks).length === 0 && offline === null && !sending
  const submit = async () => {
    if (!canSend) return
    setSending(true)
    const made = await make(wantedOf(draft), draft.key)
    setSending(false)
    if (made instanceof Problem) setProblem(made)
    else onDone()
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title="New task"
      className="new-task"
      first={title}
      onKeyDown={(event) => {
        if (!isSend(event)) return
        event.preventDefault()
        void submit()
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        {isKept && (
          <p className="create-kept dim">
            Written before, and not created.{' '}
            <button
              type="button"
              className="create-link"
              onClick={() => {
                set(emptyDraft(newKey()))
                title.current?.focus()
              }}
            >
              Begin anew
            </button>
          </p>
        )}
        <textarea
          ref={title}
          className="new-title"
          rows={1}
          placeholder="Title"
          aria-label="Title"
          aria-required="true"
          value={draft.title}
          onChange={(event) => set({ title: event.target.value.replaceAll('\n', ' ') })}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && !isSend(event)) event.preventDefault()
          }}
        />
        <BodyField value={draft.body} onChange={(body) => set({ body })} />
        {draft.status === 'blocked' && (
          <Labelled label="What is missing?" problem={problem} field="reason">
            <textarea
              className="field"
              rows={2}
              value={draft.question}
              onChange={(event) => set({ question: event.target.value })}
            />
          </Labelled>
        )}
        <MainFields draft={draft} set={set} problem={problem} />
        <ParentsField value={draft.parents} onChange={(parents) => set({ parents })} />
        <MoreFields draft={draft} set={set} problem={problem} />
        {problem !== null && (
          <p className="create-problem" role="alert">
            Not created. {problem.sentence}
          </p>
        )}
        <div className="dialog-foot">
          {offline !== null && <span className="grow dim">{offline}</span>}
          <Button look="quiet" onClick={onClose}>
            {isWritten(draft) ? 'Keep for later' : 'Cancel'}
          </Button>
          <Button
            look="primary"
            type="submit"
            disabled={!canSend}
            title={Object.values(lacks)[0]}
            hint={inWords('Mod+Enter')}
          >
            Create task
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

/** Where it lands, who does it, how urgent it is, and for whom. */
function MainFields(props: {
  draft: Draft
  set: (change: Partial<Draft>) => void
  problem: Problem | null
}) {
  const { draft, set, problem } = props
  const { slug } = useBoard()
  const client = useQueryClient()
  const people = useQuery({
    queryKey: keys.slow(slug, 'assignee options'),
    queryFn: () => assigneeOptions(client, slug, []),
  })
  const names = (people.data ?? []).filter((one) => one.value !== '')
  return (
    <div className="new-fields">
      <Labelled label="Column" problem={problem} field="status">
        <select
          className="field"
          value={draft.status}
          onChange={(event) => set({ status: event.target.value as Status })}
        >
          {COLUMNS_TO_CHOOSE.map((one) => (
            <option key={one} value={one}>
              {statusName(one)}
            </option>
          ))}
        </select>
      </Labelled>
      <Labelled label="Assignee" problem={problem} field="assignee">
        <select
          className="field"
          value={draft.assignee}
          onChange={(event) => set({ assignee: event.target.value })}
        >
          <option value="">Nobody</option>
          {!names.some((one) => one.value === draft.assignee) && draft.assignee !== '' && (
            <option value={draft.assignee}>{draft.assignee}</option>
          )}
          {names.map((one) => (
            <option key={one.value} value={one.value}>
              {one.label}
            </option>
          ))}
        </select>
      </Labelled>
      <Labelled label="Priority" problem={problem} field="priority">
        <select
          className="field"
          value={draft.priority}
          onChange={(event) => set({ priority: Number(event.target.value) })}
        >
          {PRIORITIES.map(({ priority }) => (
            <option key={priority} value={priority}>
              {statusName(priorityWord(priority))}
            </option>
          ))}
        </select>
      </Labelled>
      <Labelled label="Tenant" problem={problem} field="tenant">
        <input
          className="field"
          autoComplete="off"
          value={draft.tenant}
          onChange={(event) => set({ tenant: event.target.value })}
        />
      </Labelled>
    </div>
  )
}
