import { X } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useSearchParams } from 'wouter'
import { newKey } from '@/api/client'
import { Problem } from '@/api/problem'
import type { Status } from '@/api/types'
import { useNewTask } from '@/app/newTask'
import { useKeys } from '@/keys/useKeys'
import { Button, IconButton } from '@/kit/Button'
import { statusName } from '@/kit/sentences'
import { toastProblem } from '@/kit/toasts'
import { addField, leave, useIsWriting, writeIn } from './inline'
import { whyNotIn } from './making'
import { useMake } from './useMake'
import './create.css'

/** The field at the top of a column: Enter creates and stays, Escape closes. */
export function InlineCreate({ status }: { status: Status }) {
  const isWriting = useIsWriting(status)
  useEffect(() => addField(status), [status])
  if (!isWriting) return null
  const why = whyNotIn(status)
  return why === null ? <Field status={status} /> : <Refusal why={why} />
}

function Refusal({ why }: { why: string }) {
  useKeys('anywhere', { back: leave })
  return (
    <p className="create-why" role="status">
      <span className="grow">{why}</span>
      <IconButton name="Close" small onClick={leave}>
        <X className="i" />
      </IconButton>
    </p>
  )
}

function Field({ status }: { status: Status }) {
  const [title, setTitle] = useState('')
  const [question, setQuestion] = useState('')
  const first = useRef<HTMLTextAreaElement>(null)
  const second = useRef<HTMLTextAreaElement>(null)
  const make = useMake()
  const newTask = useNewTask()
  const given = useGiven()
  const asks = status === 'blocked'
  useEffect(() => first.current?.focus(), [])
  const create = async () => {
    const wanted = { title: title.trim(), question: question.trim() }
    if (wanted.title === '') return
    if (asks && wanted.question === '') {
      second.current?.focus()
      return
    }
    setTitle('')
    setQuestion('')
    first.current?.focus()
    const made = await make({ ...wanted, ...given, status }, newKey())
    if (!(made instanceof Problem)) return
    toastProblem(made, 'Not created.')
    // What was refused is not lost, unless the next is being written already.
    setTitle((now) => (now === '' ? wanted.title : now))
    setQuestion((now) => (now === '' ? wanted.question : now))
  }
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Escape') {
      event.preventDefault()
      event.stopPropagation()
      leave()
    } else if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      void create()
    }
  }
  const name = `New task in ${statusName(status)}`
  return (
    <form
      className="create-inline"
      aria-label={name}
      onSubmit={(event) => {
        event.preventDefault()
        void create()
      }}
    >
      <textarea
        ref={first}
        className="create-title"
        rows={2}
        placeholder="Title"
        aria-label={`Title: ${name.toLowerCase()}`}
        value={title}
        onChange={(event) => setTitle(event.target.value.replaceAll('\n', ' '))}
        onKeyDown={onKeyDown}
      />
      {asks && (
        <textarea
          ref={second}
          className="create-title create-question"
          rows={2}
          placeholder="What is missing?"
          aria-label="What is missing?"
          value={question}
          onChange={(event) => setQuestion(event.target.value)}
          onKeyDown={onKeyDown}
        />
      )}
      {Object.keys(given).length > 0 && (
        <p className="create-given cut">{Object.values(given).join(' · ')}</p>
      )}
      <p className="create-foot">
        <Button
          look="quiet"
          small
          onClick={() => {
            writeIn(null)
            newTask({ status, title: title.trim() })
          }}
        >
          More…
        </Button>
        <Button small type="submit" disabled={title.trim() === ''} hint="Enter">
          Create
        </Button>
      </p>
    </form>
  )
}

/** What the filter of the address leaves only: a new task is to be seen where it was written. */
function useGiven(): { assignee?: string; tenant?: string } {
  const [search] = useSearchParams()
  const only = (name: string) => {
    const [value, second] = search.getAll(name)
    return value === undefined || second !== undefined || value === '-' ? {} : { [name]: value }
  }
  return { ...only('assignee'), ...only('tenant') }
}
