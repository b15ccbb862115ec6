import { useRef, useState } from 'react'
import { useBoard } from '@/app/board'
import { shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Button } from '@/kit/Button'
import { isSend } from '@/kit/pressed'
import { useOffline } from '@/live/connection'
import { useTask } from '../context'
import { useDraft } from '../drafts'

/** An answer in words, for whoever asked; it starts the task again. */
export function ReplyField(props: {
  onSend: (text: string) => Promise<boolean>
  asker: string | null
}) {
  const { slug } = useBoard()
  const { id } = useTask()
  const [text, setText] = useDraft(`${slug}/${id}/reply`)
  const [sending, setSending] = useState(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const offline = useOffline()
  useKeys('task', { taskReply: () => field.current?.focus() })
  const isReady = text.trim() !== '' && !sending && offline === null
  const send = async () => {
    if (!isReady) return
    setSending(true)
    const done = await props.onSend(text.trim())
    setSending(false)
    if (done) setText('')
  }
  return (
    <form
      className="task-reply"
      onSubmit={(event) => {
        event.preventDefault()
        void send()
      }}
    >
      <textarea
        ref={field}
        className="field"
        aria-label="Answer"
        placeholder={`Answer in words. ${props.asker ?? 'Its worker'} goes on with it.`}
        rows={Math.min(10, Math.max(1, text.split('\n').length))}
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
