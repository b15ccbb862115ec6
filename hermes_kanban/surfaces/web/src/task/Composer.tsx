import { useRef, useState } from 'react'
import { useActions } from '@/actions/useActions'
import { useBoard } from '@/app/board'
import { shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Button, Key } from '@/kit/Button'
import { isSend } from '@/kit/pressed'
import { useOffline } from '@/live/connection'
import { useTask } from './context'
import { useDraft } from './drafts'

export const COMPOSER = 'task-composer'

/** A comment being written; it is kept until the board has it. */
export function Composer() {
  const { slug } = useBoard()
  const { id, detail } = useTask()
  const [text, setText] = useDraft(`${slug}/${id}/comment`)
  const [sending, setSending] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const actions = useActions()
  const offline = useOffline()
  useKeys('task', {
    taskComment: () => {
      field.current?.scrollIntoView({ block: 'nearest' })
      field.current?.focus()
    },
  })
  const isReady = text.trim() !== '' && !sending && offline === null
  const send = async () => {
    if (!isReady) return
    setSending(true)
    const done = await actions.comment([detail.task], text.trim())
    setSending(false)
    if (done) setText('')
  }
  return (
    <form
      className="task-composer"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <textarea
        ref={field}
        id={COMPOSER}
        className="field"
        aria-label="Comment"
        placeholder={placeholderOf(detail.task)}
        rows={Math.min(12, Math.max(1, text.split('\n').length))}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (isSend(event)) {
            event.preventDefault()
            void send()
          } else if (event.key === 'Escape') {
            event.stopPropagation()
            event.currentTarget.blur()
          }
        }}
      />
      {text.trim() === '' ? (
        <Key>{shown('taskComment')}</Key>
      ) : (
        <div className="task-composer-foot">
          <span className="dim">{offline ?? 'Markdown; ids of tasks become links.'}</span>
          <Button look="primary" small type="submit" disabled={!isReady} hint={shown('save')}>
            Comment
          </Button>
        </div>
      )}
    </form>
  )
}

function placeholderOf(task: { status: string; assignee: string | null }): string {
  if (task.assignee === null) return 'Comment. Whoever works on it reads it.'
  if (task.status === 'running') return `Comment. ${task.assignee} reads it at its next step.`
  if (task.status === 'done' || task.status === 'archived') return 'Comment.'
  return `Comment. ${task.assignee} reads it when it starts.`
}

/** Puts the cursor into the composer. */
export function focusComposer(): void {
  document.getElementById(COMPOSER)?.focus()
}
