import { useEffect, useRef, useState } from 'react'
import { useActions } from '@/actions/useActions'
import { useKeys } from '@/keys/useKeys'
import { toast } from '@/kit/toasts'
import { useTask } from './context'
import { type Editing, standing } from './editing'

/** The title; a click or `I` makes it a field. */
export function Title() {
  const { detail, may } = useTask()
  const { title } = detail.task
  const [editing, setEditing] = useState<Editing | null>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const actions = useActions()
  const mayEdit = may('edit')
  const begin = () => setEditing({ base: title, text: title })
  useKeys('task', { editTitle: begin }, mayEdit)
  const isOpen = editing !== null
  useEffect(() => {
    if (isOpen) field.current?.select()
  }, [isOpen])
  const save = async () => {
    if (editing === null) return
    const next = editing.text.replace(/\s+/g, ' ').trim()
    const stands = standing({ ...editing, text: next }, title)
    if (stands === 'conflict') {
      toast(`Not saved. Somebody named it “${title}” while you wrote. Enter keeps yours.`, {
        bad: true,
      })
      setEditing({ base: title, text: editing.text })
      return
    }
    const isChanged = next !== '' && stands === 'mine'
    if (!isChanged || (await actions.edit(detail.task, { title: next }))) setEditing(null)
  }
  if (editing === null) {
    return (
      <h1 className="task-title">
        {!mayEdit ? (
          title
        ) : (
          <button type="button" title="Edit the title" onClick={begin}>
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
      rows={Math.max(1, Math.ceil(editing.text.length / 60))}
      value={editing.text}
      onChange={(event) => setEditing({ ...editing, text: event.target.value })}
      onBlur={() => void save()}
      onKeyDown={(event) => {
        if (event.key === 'Enter') {
          event.preventDefault()
          event.currentTarget.blur()
        } else if (event.key === 'Escape') {
          event.stopPropagation()
          setEditing(null)
        }
      }}
    />
  )
}
