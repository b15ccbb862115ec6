import { useState } from 'react'
import { useSearchParams } from 'wouter'
import { useNotifying } from '@/actions/useActions'
import { Problem } from '@/api/problem'
import { NOTIFY_PARAM } from '@/app/notify'
import { inWords } from '@/keys/table'
import { Button } from '@/kit/Button'
import { Dialog } from '@/kit/Dialog'
import { isSend } from '@/kit/pressed'
import { sentence } from '@/kit/sentences'
import { toast } from '@/kit/toasts'
import { useOffline } from '@/live/connection'
import { AboutFields } from './AboutFields'
import { Already } from './Already'
import { askedOf, type Draft, emptyDraft, lacking } from './draft'
import { HowFields, WhenFields } from './HowFields'
import { WhatFields } from './WhatFields'
import { WhereFields } from './WhereFields'
import { destinationPhrase } from './words'
import '@/create/create.css'
import './notifications.css'

export interface FieldProps {
  draft: Draft
  set: (change: Partial<Draft>) => void
  problem: Problem | null
}

/** A new subscription, as the address asks for it: about a task, or about the board. */
export default function SubscribeForm() {
  const [search, setSearch] = useSearchParams()
  const task = search.get(NOTIFY_PARAM) ?? ''
  const close = () =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before)
        next.delete(NOTIFY_PARAM)
        return next
      },
      { replace: true },
    )
  return <Form key={task} task={task} onClose={close} />
}

function Form({ task, onClose }: { task: string; onClose: () => void }) {
  const notifying = useNotifying()
  const offline = useOffline()
  const [draft, setDraft] = useState(() => emptyDraft(task, ownZone()))
  const [problem, setProblem] = useState<Problem | null>(null)
  const [sending, setSending] = useState(false)
  const lacks = lacking(draft)
  const canSend = lacks === null && offline === null && !sending
  const set = (change: Partial<Draft>) => {
    setProblem(null)
    setDraft((before) => ({ ...before, ...change }))
  }
  const submit = async () => {
    if (!canSend) return
    setSending(true)
    const asked = askedOf(draft)
    const made = await notifying.subscribe({ ...asked })
    setSending(false)
    if (made instanceof Problem) {
      setProblem(made)
      return
    }
    onClose()
    tell(made, asked.destination, notifying.test)
  }
  const fields = { draft, set, problem }
  return (
    <Dialog
      open
      onClose={onClose}
      title={task === '' ? 'New subscription' : `Notify of ${task}`}
      className="notify-form"
      onKeyDown={(event) => {
        if (!isSend(event)) return
        event.preventDefault()
        void submit()
      }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        {task !== '' && <Already task={task} />}
        <AboutFields {...fields} isOfTask={task !== ''} />
        <WhatFields {...fields} />
        <HowFields {...fields} />
        {draft.mode !== 'wake' && <WhereFields {...fields} />}
        <WhenFields {...fields} />
        {problem !== null && (
          <p className="create-problem" role="alert">
            Not subscribed. {problem.sentence}
          </p>
        )}
        <div className="dialog-foot">
          <span className="grow dim notify-lacks">{offline ?? lacks}</span>
          <Button look="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button look="primary" type="submit" disabled={!canSend} hint={inWords('Mod+Enter')}>
            Subscribe
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC'
}

/** Says where it goes, and offers to try that. */
function tell(
  id: number,
  destination: string | null,
  test: (id: number) => Promise<Problem | null>,
) {
  if (destination === null) {
    toast(`Subscription ${id} made.`)
    return
  }
  const where = destinationPhrase(destination)
  const act = async () => {
    const refused = await test(id)
    if (refused === null) toast(`The test message arrived: ${where}.`)
    else toast(sentence(refused.sentence), { bad: true })
  }
  toast(`Subscription ${id} tells ${where}.`, {
    action: { label: 'Send a test', act: () => void act() },
  })
}
