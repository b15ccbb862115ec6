import { type FormEvent, type KeyboardEvent, useState } from 'react'
import { useBoard } from '@/app/board'
import { isSend } from '@/kit/pressed'
import { useOffline } from '@/live/connection'
import { useTask } from './context'
import { forgetDraft, useDraft } from './drafts'

/** Sends a text; `taken` is called once the board has it, at once or by trying again. */
export type Send = (text: string, taken: () => void) => Promise<boolean>

/** A text that is written and sent: kept in this tab until the board has it. */
export function useWriting(props: {
  /** What is written, which names its draft on this task. */
  name: string
  send: Send
  /** What Escape does. */
  leave: (field: HTMLElement) => void
}) {
  const { slug } = useBoard()
  const { id } = useTask()
  const name = `${slug}/${id}/${props.name}`
  const [text, setText] = useDraft(name)
  const [sending, setSending] = useState(false)
  const offline = useOffline()
  const isReady = text.trim() !== '' && !sending && offline === null
  const send = async () => {
    if (!isReady) return
    setSending(true)
    await props.send(text.trim(), () => forgetDraft(name, text))
    setSending(false)
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
