import { useRef } from 'react'
import { shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Button } from '@/kit/Button'
import { type Send, useWriting } from '../useWriting'

/** An answer in words, for whoever asked; it starts the task again. */
export function ReplyField(props: { onSend: Send; asker: string | null }) {
  const field = useRef<HTMLTextAreaElement>(null)
  const { text, setText, isReady, onSubmit, onKeyDown } = useWriting({
    name: 'reply',
    send: props.onSend,
    leave: (at) => at.blur(),
  })
  useKeys('task', { taskReply: () => field.current?.focus() })
  return (
    <form className="task-reply" onSubmit={onSubmit}>
      <textarea
        ref={field}
        className="field"
        aria-label="Answer"
        placeholder={`Answer in words. ${props.asker ?? 'Its worker'} goes on with it.`}
        rows={Math.min(10, Math.max(1, text.split('\n').length))}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <Button
        type="submit"
        disabled={!isReady}
        hint={text === '' ? shown('taskReply') : shown('save')}
      >
        Answer
      </Button>
    </form>
  )
}
