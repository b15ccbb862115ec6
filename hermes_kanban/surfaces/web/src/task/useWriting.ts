import { type FormEvent, type KeyboardEvent, useState } from 'react'
import { useBoard } from '@/app/board'
import { isSend } from '@/kit/pressed'
import { useOffline } from '@/live/connection'
import { useTask } from './context'
import { useDraft } from './drafts'

/**
 * A text that is written and sent: kept in this tab until the board has it. `send` answers whether
 * it has; `leave` is what Escape does.
 */
export function useWriting(props: {
  /** What is written, which names its draft on this task. */
  name: string
  send: (text: string) => Promise<boolean>
  leave: (field: HTMLElement) => void
}) {
  const { slug } = useBoard()
  const { id } = useTask()
  const [text, setText] = useDraft(`${slug}/${id}/${props.name}`)
  const [sending, setSending] = useState(false)
  const offline = useOffline()
  const isReady = text.trim() !== '' && !sending && offline === null
  const send = async () => {
    if (!isReady) return
    setSending(true)
    const done = await props.send(text.trim())
    setSending(false)
    if (done) setText('')
  }
  return {
    text,
    setText,
    offline,
    isReady,
    onSubmit: (event: FormEvent) => {
      event.preventDefault()
      void send()
    },
    onKeyDown: (event: KeyboardEvent<HTMLElement>) => {
      if (isSend(event)) {
        event.preventDefault()
        void send()
      } else if (event.key === 'Escape') {
        event.stopPropagation()
        props.leave(event.currentTarget)
      }
    },
  }
}
