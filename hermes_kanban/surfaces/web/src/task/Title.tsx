import { useEffect, useRef, useState } from 'react'
import { useActions } from '@/actions/useActions'
import { useKeys } from '@/keys/useKeys'
import { useTask } from './context'

/** The title; a click or `I` makes it a field. */
export function Title() {
  const { detail } = useTask()
  const { title, status } = detail.task
  const [text, setText] = useState<string | null>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const actions = useActions()
  const isFixed = status === 'archived'
  useKeys('task', { editTitle: () => setText(title) }, !isFixed)
  const isOpen = text !== null
  useEffect(() => {
    if (isOpen) field.current?.select()
  }, [isOpen])
  const save = async () => {
    const next = (text ?? '').replace(/\s+/g, ' ').trim()
    if (next === '' || next === title || (await actions.edit(detail.task, { title: next })))
      setText(null)
  }
  if (text === null) {
    return (
      <h1 className="task-title">
        {isFixed ? (
          title
        ) : (
          <button type="button" title="Edit the title" onClick={() => setText(title)}>
            {title}
          </button>
        )}
      </h1>
    )
  }
  return (
    <textarea
      ref={field}
      className="task-title field"
      aria-label="Title"
      rows={Math.max(1, Math.ceil(text.length / 60))}
      value={text}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => void save()}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          event.preventDefault()
          event.currentTarget.blur()
        } else if (event.key === 'Escape') {
          event.stopPropagation()
          setText(null)
        }
      }}
    />
  )
}
