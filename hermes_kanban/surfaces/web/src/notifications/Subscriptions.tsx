import { useState } from 'react'
import { sentenceOf } from '@/api/problem'
import { useNotify } from '@/app/notify'
import { Button } from '@/kit/Button'
import { Empty } from '@/kit/Empty'
import { useSubscriptions } from './reading'
import { SubscriptionRow } from './SubscriptionRow'

/** Every subscription of the board; those of a tree are one. */
export function Subscriptions() {
  const [ended, setEnded] = useState(false)
  const found = useSubscriptions(ended)
  const notify = useNotify()
  const all = found.data
  return (
    <>
      {found.error !== null && <p role="alert">{sentenceOf(found.error)}</p>}
      {all?.length === 0 && (
        <Empty title="Nobody is notified" command="hermes-kanban notify subscribe log">
          <p>
            A subscription sends what needs a person, or anything else that happens, to a chat, a
            mail address, a webhook or a screen.
          </p>
          <p className="notify-begin">
            <Button look="primary" onClick={() => notify()}>
              New subscription
            </Button>
          </p>
        </Empty>
      )}
      {all !== undefined && all.length > 0 && (
        <ul className="boxed notify-list" aria-label="Subscriptions">
          {all.map(({ subscription, owed }) => (
            <SubscriptionRow key={subscription.id} subscription={subscription} owed={owed} />
          ))}
        </ul>
      )}
      <p className="notify-more">
        {found.hasNextPage && (
          <Button disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            More
          </Button>
        )}
        {all !== undefined && (
          <Button look="quiet" aria-pressed={ended} onClick={() => setEnded(!ended)}>
            {ended ? 'Hide those that have ended' : 'Show those that have ended'}
          </Button>
        )}
      </p>
    </>
  )
}
