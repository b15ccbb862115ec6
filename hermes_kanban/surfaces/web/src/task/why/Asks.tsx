import { TriangleAlert } from 'lucide-react'
import { useActions, useMenus } from '@/actions/useActions'
import { statusOf } from '@/api/types'
import { useBoard } from '@/app/board'
import { shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Age } from '@/kit/Age'
import { plainName } from '@/kit/Avatar'
import { Button, Key } from '@/kit/Button'
import { Markdown } from '@/kit/Markdown'
import { StatusIcon } from '@/kit/StatusIcon'
import { capital, withoutChoices } from '@/kit/sentences'
import { absolute, clockTime } from '@/kit/time'
import { useOffline } from '@/live/connection'
import { useTask } from '../context'
import { useAsked } from '../data'
import { ReplyField } from './ReplyField'

/** What a person is asked, and the buttons that answer it. */
export function Asks() {
  const { slug } = useBoard()
  const { id, detail, card, showRun } = useTask()
  const actions = useActions()
  const menus = useMenus()
  const offline = useOffline()
  const { task, why } = detail
  const [hold] = why
  const status = statusOf(task)
  const choices = card?.choices ?? []
  // The server refuses a second answer to the same question.
  const subject = { ...task, question: useAsked(id).question?.question }
  const last = detail.runs.at(-1)
  const gaveUp = status === 'blocked' && card?.state === 'error'
  const kind = task.block_kind
  const isQuestion = status === 'blocked' && kind === 'needs_input' && !gaveUp
  const answer = (text: string, taken?: () => void) => actions.unblock([subject], text, taken)
  useKeys(
    'task',
    {
      answer: (_, which) => {
        const chosen = choices[which]
        if (chosen !== undefined) void answer(chosen)
      },
    },
    choices.length > 0 && offline === null,
  )
  const text = status === 'review' ? (last?.summary ?? '') : capital(hold?.text ?? '')
  const asker = last === undefined ? task.assignee : (last.profile ?? plainName(last.claimer))
  const heading = headingOf(status, kind, gaveUp, asker)
  return (
    <div className={`task-why ${status}`}>
      {gaveUp ? (
        <TriangleAlert className="i st blocked" aria-hidden="true" />
      ) : (
        <StatusIcon status={status} />
      )}
      <div className="task-why-text">
        <p>
          <b>{heading}</b>{' '}
          {hold?.since != null && (
            <span className="dim">
              <Age at={hold.since} /> ago
            </span>
          )}
        </p>
        {status !== 'review' && <Markdown text={withoutChoices(text, choices)} board={slug} />}
        {hold?.until != null && (
          <p className="task-why-more" title={absolute(hold.until)}>
            The board tries again by itself at {clockTime(hold.until)}.
          </p>
        )}
        <div className="task-buttons">
          {status === 'review' && (
            <>
              <Button
                look="primary"
                disabled={offline !== null}
                onClick={() => void actions.approve([subject])}
              >
                Approve
              </Button>
              <Button
                disabled={offline !== null}
                onClick={() => void actions.requestChanges([subject])}
              >
                Request changes…
              </Button>
            </>
          )}
          {status === 'triage' && (
            <Button
              look="primary"
              disabled={offline !== null}
              onClick={() => void actions.accept([subject])}
            >
              Accept
            </Button>
          )}
          {isQuestion &&
            choices.map((choice, index) => (
              <Button
                key={choice}
                look={index === 0 ? 'primary' : 'plain'}
                disabled={offline !== null}
                onClick={() => void answer(choice)}
              >
                {choice}
                <Key>{index + 1}</Key>
              </Button>
            ))}
          {gaveUp && (
            <>
              <Button
                look="primary"
                disabled={offline !== null}
                onClick={() => void actions.unblock([subject])}
              >
                Retry
              </Button>
              {last !== undefined && (
                <Button
                  onClick={() => {
                    showRun(last.id)
                    document.getElementById('task-log')?.scrollIntoView({ block: 'nearest' })
                  }}
                  hint={shown('log')}
                >
                  Open log
                </Button>
              )}
            </>
          )}
          {status === 'blocked' && kind === 'transient' && (
            <Button disabled={offline !== null} onClick={() => void actions.unblock([subject])}>
              Retry now
            </Button>
          )}
          {status === 'blocked' && kind === 'dependency' && (
            <Button disabled={offline !== null} onClick={() => void actions.unblock([subject])}>
              Unblock
            </Button>
          )}
          {status === 'blocked' && kind === 'capability' && (
            <Button disabled={offline !== null} onClick={() => void actions.unblock([subject])}>
              Unblock
            </Button>
          )}
          {(gaveUp || kind === 'capability' || status === 'triage') && (
            <Button
              disabled={offline !== null}
              onClick={() => void menus.assign([task])}
              hint={shown('assign')}
            >
              Assign…
            </Button>
          )}
        </div>
        {isQuestion && <ReplyField key={id} onSend={answer} asker={task.assignee} />}
      </div>
    </div>
  )
}

function headingOf(
  status: string,
  kind: string | null,
  gaveUp: boolean,
  assignee: string | null,
): string {
  const who = assignee ?? 'Its worker'
  if (status === 'review') return `${who} handed this in. You approve it, or say what must change.`
  if (status === 'triage') return 'A person decides whether this goes ahead.'
  if (gaveUp) return 'The board gave up. You retry it, or give it to another.'
  if (kind === 'capability')
    return `${who} cannot do this as it is. You grant it, or assign another.`
  if (kind === 'transient') return 'It waits for a while.'
  if (kind === 'dependency') return 'It waits for another task.'
  return `You answer. ${who} asks:`
}
