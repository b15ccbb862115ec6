import { type ReactNode, useState } from 'react'
import { useNotifying } from '@/actions/useActions'
import type { Problem } from '@/api/problem'
import type { Owing, Subscription } from '@/api/types'
import { Age } from '@/kit/Age'
import { plainName } from '@/kit/Avatar'
import { Button } from '@/kit/Button'
import { capital } from '@/kit/sentences'
import { useOffline } from '@/live/connection'
import { TaskLink } from '@/task/TaskLink'
import { Fares } from './Fares'
import { Where } from './Where'
import { destinationPhrase, filterWords, howWords, isOfTree } from './words'

interface Props {
  subscription: Subscription
  owed: Owing | undefined
}

/** Who hears of what, how, and how that fares; a test, and its end. */
export function SubscriptionRow({ subscription, owed }: Props) {
  const notifying = useNotifying()
  const offline = useOffline()
  const [tested, setTested] = useState<Tested | null>(null)
  const { id, destination } = subscription
  const live = subscription.ended_at === null
  const test = async () => {
    setTested('sending')
    const problem = await notifying.test(id)
    setTested(problem ?? { at: Math.floor(Date.now() / 1_000) })
  }
  const end = () =>
    void notifying.end({
      id,
      task_id: subscription.task_id,
      where: destinationPhrase(destination),
      waiting: owed?.waiting ?? 0,
    })
  const off = { disabled: offline !== null, title: offline ?? undefined }
  return (
    <li className="notify-row" aria-label={`Subscription ${id}`}>
      <div className="notify-what">
        <span>
          <About subscription={subscription} />
        </span>
        <small>{capital(filterWords(subscription.filter))}</small>
      </div>
      <div className="notify-how">
        <Where destination={destination} />
        <small>{capital(howWords(subscription))}</small>
      </div>
      <div className="notify-state">
        {live ? (
          <Fares id={id} owed={owed} />
        ) : (
          <span className="dim">
            Ended <Age at={subscription.ended_at ?? 0} /> ago
          </span>
        )}
        <small className="dim">
          {id} · by {plainName(subscription.created_by)}, <Age at={subscription.created_at} /> ago
        </small>
      </div>
      {live && (
        <div className="notify-acts">
          {subscription.mode !== 'wake' && (
            <Button
              small
              disabled={off.disabled || tested === 'sending'}
              title={off.title}
              onClick={() => void test()}
            >
              Test
            </Button>
          )}
          <Button small look="quiet" {...off} onClick={end}>
            End
          </Button>
        </div>
      )}
      <TestOutcome tested={tested} />
    </li>
  )
}

function About({ subscription }: { subscription: Subscription }): ReactNode {
  const { task_id: task } = subscription
  if (task === null) return <b>The board</b>
  return (
    <>
      <TaskLink id={task} className="notify-task" />
      {isOfTree(subscription) && ' and its tree'}
      {subscription.root_id !== null && (
        <span className="dim"> by subscription {subscription.root_id} to a tree</span>
      )}
    </>
  )
}

type Tested = 'sending' | { at: number } | Problem

function TestOutcome({ tested }: { tested: Tested | null }) {
  return (
    <p className={tested === null ? 'hidden-words' : 'notify-tested'} role="status">
      {tested === 'sending' && 'Sending a test message.'}
      {tested !== null && typeof tested === 'object' && 'sentence' in tested && (
        <span className="st blocked">{tested.sentence}</span>
      )}
      {tested !== null && typeof tested === 'object' && 'at' in tested && (
        <span className="st done">
          The test message arrived <Age at={tested.at} /> ago.
        </span>
      )}
    </p>
  )
}
