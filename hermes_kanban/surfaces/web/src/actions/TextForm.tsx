import { useId, useRef, useState } from 'react'
import { inWords } from '@/keys/table'
import { Button } from '@/kit/Button'
import { Dialog } from '@/kit/Dialog'
import { isSend } from '@/kit/pressed'
import { Segments } from '@/kit/Segments'
import { useOffline } from '@/live/connection'
import type { TextAnswer, TextQuestion } from './asking'

/** A text, and where it is asked for one of a few things beside it. */
export function TextForm(props: {
  question: TextQuestion
  onAnswer: (value: TextAnswer | null) => void
}) {
  const { question, onAnswer } = props
  const { choice } = question
  const [text, setText] = useState(question.start ?? '')
  const [chosen, setChosen] = useState(choice?.options[0]?.value ?? null)
  const field = useRef<HTMLTextAreaElement>(null)
  const id = useId()
  const offline = useOffline()
  const missing = question.required && text.trim() === ''
  const submit = () => {
    if (missing || offline !== null) field.current?.focus()
    else onAnswer({ text: text.trim(), choice: chosen })
  }
  const told = choice?.options.find((one) => one.value === chosen)?.told
  return (
    <Dialog
      open
      onClose={() => onAnswer(null)}
      title={question.title}
      className="ask"
      first={field}
    >
      {choice !== undefined && chosen !== null && (
        <div className="ask-choice">
          <span id={`${id}-choice`}>{choice.label}</span>
          <Segments
            label={choice.label}
            value={chosen}
            options={choice.options}
            onChange={setChosen}
          />
          <p className="dim">{told}</p>
        </div>
      )}
      <label className="ask-label" htmlFor={id}>
        {question.label}
      </label>
      <textarea
        id={id}
        ref={field}
        className="field"
        rows={4}
        value={text}
        aria-required={question.required}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (!isSend(event)) return
          event.preventDefault()
          submit()
        }}
      />
      <div className="dialog-foot">
        {offline !== null && <span className="grow dim">{offline}</span>}
        <Button look="quiet" onClick={() => onAnswer(null)}>
          Cancel
        </Button>
        <Button
          look="primary"
          disabled={missing || offline !== null}
          hint={inWords('Mod+Enter')}
          onClick={submit}
        >
          {question.submit}
        </Button>
      </div>
    </Dialog>
  )
}
