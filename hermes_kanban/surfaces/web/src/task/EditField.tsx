import { type ReactNode, useRef, useState } from 'react'
import { useOffline } from '@/live/connection'

/** A fact that becomes a field when it is pressed. Enter saves, Esc leaves it as it was. */
export function EditField(props: {
  name: string
  value: string
  children: ReactNode
  type?: 'text' | 'number' | 'datetime-local'
  placeholder?: string
  /** False keeps the field open: what was typed is no such value, or was refused. */
  onSave: (value: string) => Promise<boolean> | boolean
}) {
  const [text, setText] = useState<string | null>(null)
  const offline = useOffline()
  const back = useRef<HTMLButtonElement>(null)
  const done = useRef(false)
  const save = async () => {
    if (done.current || text === null) return
    done.current = true
    const kept = text.trim() === props.value || (await props.onSave(text.trim()))
    done.current = false
    if (kept) setText(null)
  }
  if (text === null) {
    return (
      <button
        ref={back}
        type="button"
        className="task-fact-edit"
        disabled={offline !== null}
        title={offline ?? `Change: ${props.name.toLowerCase()}`}
        onClick={() => setText(props.value)}
      >
        {props.children}
      </button>
    )
  }
  return (
    <input
      // biome-ignore lint/a11y/noAutofocus: it opens because it was asked for
      autoFocus
      className="field task-fact-field"
      type={props.type ?? 'text'}
      aria-label={props.name}
      placeholder={props.placeholder}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => void save()}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          event.preventDefault()
          void save().then(() => requestAnimationFrame(() => back.current?.focus()))
        } else if (event.key === 'Escape') {
          event.stopPropagation()
          done.current = true
          setText(null)
          requestAnimationFrame(() => {
            done.current = false
            back.current?.focus()
          })
        }
      }}
    />
  )
}
