import { useRef } from 'react'
import { Button } from '@/kit/Button'
import { Dialog } from '@/kit/Dialog'
import type { ConfirmQuestion } from './asking'

/** Names what would be stopped; Cancel has the focus. */
export function Confirm(props: {
  question: ConfirmQuestion
  onAnswer: (value: true | null) => void
}) {
  const { question, onAnswer } = props
  const cancel = useRef<HTMLButtonElement>(null)
  return (
    <Dialog
      open
      alert
      onClose={() => onAnswer(null)}
      title={question.title}
      className="ask"
      first={cancel}
    >
      <ul className="ask-lines">
        {question.lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      <p className="dim">{question.told}</p>
      <div className="dialog-foot">
        <Button onClick={() => onAnswer(true)}>{question.submit}</Button>
        <Button look="primary" ref={cancel} onClick={() => onAnswer(null)}>
          Cancel
        </Button>
      </div>
    </Dialog>
  )
}
