import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { useActions } from '@/actions/useActions'
import type { TaskDetail } from '@/api/types'
import { useBoard } from '@/app/board'
import { shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Button } from '@/kit/Button'
import { Markdown } from '@/kit/Markdown'
import { isSend } from '@/kit/pressed'
import { Segments } from '@/kit/Segments'
import { keys } from '@/live/keys'
import { useTask } from './context'
import { draft, keepDraft } from './drafts'
import { type Editing, standing } from './editing'

/** What is to be done: as it reads, or its source while it is edited. */
export function Body() {
  const { slug } = useBoard()
  const { id, detail, may } = useTask()
  const body = detail.task.body ?? ''
  const name = `${slug}/${id}/body`
  const [editing, setEditing] = useState<Editing | null>(() => kept(name))
  const mayEdit = may('edit')
  const begin = () => setEditing((before) => before ?? { base: body, text: body })
  useKeys('task', { edit: begin }, mayEdit)
  if (editing !== null) {
    return (
      <Editor
        name={name}
        editing={editing}
        onChange={(next) => {
          setEditing(next)
          keepDraft(name, next === null ? null : JSON.stringify(next))
        }}
      />
    )
  }
  return (
    <div className="task-body">
      {body.trim() === '' ? (
        <p className="dim">Nothing is said of what is to be done.</p>
      ) : (
        <Markdown text={body} board={slug} />
      )}
      {mayEdit && (
        <Button look="quiet" small className="task-edit" hint={shown('edit')} onClick={begin}>
          Edit
        </Button>
      )}
    </div>
  )
}

function kept(name: string): Editing | null {
  try {
    const found: unknown = JSON.parse(draft(name) ?? 'null')
    return found as Editing | null
  } catch {
    return null
  }
}

function Editor(props: {
  name: string
  editing: Editing
  onChange: (editing: Editing | null) => void
}) {
  const { editing, onChange } = props
  const { slug } = useBoard()
  const { id, detail } = useTask()
  const cache = useQueryClient()
  const actions = useActions()
  const [what, setWhat] = useState<'write' | 'preview'>('write')
  const [asks, setAsks] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const now = detail.task.body ?? ''
  const stands = standing(editing, now)
  useEffect(() => field.current?.focus(), [])
  // What is untouched here follows what others write.
  useEffect(() => {
    if (stands === 'theirs') onChange({ base: now, text: now })
  }, [stands, now, onChange])

  const save = async () => {
    // Read once more: between the last event and now somebody may have saved.
    const queryKey = keys.task(slug, id)
    await cache.refetchQueries({ queryKey, exact: true })
    const fresh = cache.getQueryData<TaskDetail>(queryKey)?.task.body ?? ''
    const standsNow = standing(editing, fresh)
    if (standsNow === 'conflict') return
    if (standsNow === 'same' || (await actions.edit(detail.task, { body: editing.text })))
      onChange(null)
  }
  const leave = () => (stands === 'same' ? onChange(null) : setAsks(true))

  return (
    <div className="task-editor">
      <div className="task-editor-bar">
        <Segments
          label="How it is shown"
          value={what}
          options={[
            { value: 'write', label: 'Write' },
            { value: 'preview', label: 'Preview' },
          ]}
          onChange={setWhat}
        />
        <span className="grow" />
        <Button small look="quiet" onClick={leave}>
          Cancel
        </Button>
        <Button
          small
          look="primary"
          hint={shown('save')}
          disabled={stands === 'conflict'}
          onClick={() => void save()}
        >
          Save
        </Button>
      </div>
      {stands === 'conflict' && (
        <div className="task-conflict" role="alert">
          <p>
            <b>Somebody changed it while you wrote.</b> Nothing of either is lost until you choose.
          </p>
          <details>
            <summary>What it says now</summary>
            <pre className="task-pre">{now}</pre>
          </details>
          <p className="task-buttons">
            <Button small onClick={() => onChange({ base: now, text: editing.text })}>
              Keep mine
            </Button>
            <Button small onClick={() => onChange({ base: now, text: now })}>
              Take theirs
            </Button>
            <Button
              small
              onClick={() => onChange({ base: now, text: `${now.trimEnd()}\n\n${editing.text}` })}
            >
              Both, one after the other
            </Button>
          </p>
        </div>
      )}
      {asks && (
        <div className="task-conflict" role="alert">
          <p>What you typed is not saved.</p>
          <p className="task-buttons">
            <Button
              small
              onClick={() => {
                setAsks(false)
                field.current?.focus()
              }}
            >
              Go on writing
            </Button>
            <Button small onClick={() => onChange(null)}>
              Throw it away
            </Button>
          </p>
        </div>
      )}
      {what === 'preview' ? (
        <div className="task-preview">
          <Markdown text={editing.text} board={slug} />
        </div>
      ) : (
        <textarea
          ref={field}
          className="field task-source"
          aria-label="Body, in Markdown"
          spellCheck
          value={editing.text}
          onChange={(event) => {
            setAsks(false)
            onChange({ ...editing, text: event.target.value })
          }}
          onKeyDown={(event) => {
            if (isSend(event)) {
              event.preventDefault()
              void save()
            } else if (event.key === 'Escape') {
              event.stopPropagation()
              leave()
            }
          }}
        />
      )}
    </div>
  )
}
