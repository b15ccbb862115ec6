import { useSyncExternalStore } from 'react'
import { useKeys } from '@/keys/useKeys'
import { type Open, opened, watchOpened } from './asking'
import { Confirm } from './Confirm'
import { Picker } from './Picker'
import { TextForm } from './TextForm'
import { useActions } from './useActions'
import './actions.css'

/** Where actions ask, and the key that takes them back; once in the page. */
export function Asking() {
  const { undo } = useActions()
  useKeys('anywhere', { undo: () => void undo() })
  const open = useSyncExternalStore(watchOpened, opened)
  return open === null ? null : <Asked key={open.id} open={open} />
}

function Asked({ open: { question, answer } }: { open: Open }) {
  switch (question.kind) {
    case 'text':
      return <TextForm question={question} onAnswer={answer} />
    case 'confirm':
      return <Confirm question={question} onAnswer={answer} />
    case 'pick':
      return <Picker question={question} onAnswer={answer} />
  }
}
