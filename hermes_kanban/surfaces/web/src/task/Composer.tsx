import { useRef } from 'react'
import { useActions } from '@/actions/useActions'
import { shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Button, Key } from '@/kit/Button'
import { useTask } from './context'
import { useWriting } from './useWriting'

const COMPOSER = 'task-composer'

/** A comment being written; it is kept until the board has it. */
export function Composer() {
  const { detail } = useTask()
  const field = useRef<HTMLTextAreaElement>(null)
  const actions = useActions()
  const { text, setText, offline, isReady, onSubmit, onKeyDown } = useWriting({
    name: 'comment',
    send: (said, taken) => actions.comment([detail.task], said, taken),
    leave: (at) => at.blur(),
  })
  useKeys('task', {
    comment: () => {
      field.current?.scrollIntoView({ block: 'nearest' })
      field.current?.focus()
    },
  })
  return (
    <form className="task-composer" onSubmit={onSubmit}>
      <textarea
        ref={field}
        id={COMPOSER}
        className="field"
        aria-label="Comment"
        placeholder={placeholderOf(detail.task)}
        rows={Math.min(12, Math.max(1, text.split('\n').length))}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {text.trim() === '' ? (
        <Key>{shown('comment')}</Key>
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
