import { useState } from 'react'
import { shown } from '@/keys/table'
import { Segments } from '@/kit/Segments'
import { Answered } from './Answered'
import { OpenItems } from './OpenItems'
import './inbox.css'

type Which = 'open' | 'answered'

const WHICH = [
  { value: 'open', label: 'Open' },
  { value: 'answered', label: 'Answered' },
] as const

/** What needs a person, and what people answered. */
export default function InboxView() {
  const [which, setWhich] = useState<Which>('open')
  const switcher = <Segments label="Which" value={which} options={WHICH} onChange={setWhich} />
  return (
    <div className="page">
      <div className="sheet">
        {which === 'open' ? <OpenItems switcher={switcher} /> : <Answered switcher={switcher} />}
      </div>
    </div>
  )
}

/** What the keys do, under the list. */
export function KeysFoot() {
  return (
    <p className="inbox-keys" aria-hidden="true">
      <span>
        <kbd>{shown('inboxDown')}</kbd> <kbd>{shown('inboxUp')}</kbd> move
      </span>
      <span>
        <kbd>1</kbd>–<kbd>9</kbd> answer
      </span>
      <span>
        <kbd>{shown('inboxOpen')}</kbd> open task
      </span>
      <span>
        <kbd>{shown('undo')}</kbd> undo
      </span>
    </p>
  )
}
