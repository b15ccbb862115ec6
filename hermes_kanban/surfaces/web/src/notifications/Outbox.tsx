import { X } from 'lucide-react'
import { useSearchParams } from 'wouter'
import { useNotifying } from '@/actions/useActions'
import { sentenceOf } from '@/api/problem'
import { useHealth } from '@/app/reads'
import { Button } from '@/kit/Button'
import { count } from '@/kit/numbers'
import { Segments } from '@/kit/Segments'
import { useOffline } from '@/live/connection'
import { DeliveryRow } from './DeliveryRow'
import { STATES, stateIn, subscriptionIn } from './places'
import { type DeliveryState, useOutbox } from './reading'

const NONE: Record<DeliveryState, string> = {
  waiting: 'Nothing waits.',
  dead: 'Nothing is dead.',
  delivered: 'Nothing has been delivered.',
  dropped: 'Nothing was dropped.',
}

/** What is owed to whom, by its state, and of one subscription where the address names it. */
export function Outbox() {
  const [search, setSearch] = useSearchParams()
  const state = stateIn(search)
  const subscription = subscriptionIn(search)
  const found = useOutbox(state, subscription)
  const all = found.data
  const set = (name: string, value: string | null) =>
    setSearch((before) => {
      const next = new URLSearchParams(before)
      if (value === null) next.delete(name)
      else next.set(name, value)
      return next
    })
  return (
    <>
      <div className="notify-filter">
        <States value={state} of={subscription} onChange={(one) => set('state', one)} />
        {subscription !== null && (
          <Button onClick={() => set('subscription', null)}>
            Subscription {subscription}
            <X className="i" aria-hidden="true" />
            <span className="hidden-words">: show those of all</span>
          </Button>
        )}
        <span className="grow" />
        {state === 'dead' && all !== undefined && all.length > 1 && (
          <ForAll ids={all.map((one) => one.id)} />
        )}
      </div>
      {found.error !== null && <p role="alert">{sentenceOf(found.error)}</p>}
      {all?.length === 0 && <p className="notify-none dim">{NONE[state]}</p>}
      {all !== undefined && all.length > 0 && (
        <ul className="boxed notify-list" aria-label="Deliveries">
          {all.map((one) => (
            <DeliveryRow key={one.id} delivery={one} />
          ))}
        </ul>
      )}
      {found.hasNextPage && (
        <p className="notify-more">
          <Button disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            More
          </Button>
        </p>
      )}
    </>
  )
}

function States(props: {
  value: DeliveryState
  of: number | null
  onChange: (state: DeliveryState) => void
}) {
  const health = useHealth().data
  // The board counts all of them, and not those of one subscription.
  const counts = { waiting: health?.deliveries_waiting, dead: health?.deliveries_dead }
  const label = (state: DeliveryState, name: string) => {
    const counted = props.of === null && (state === 'waiting' || state === 'dead')
    const found = counted ? counts[state] : undefined
    return found === undefined ? name : `${name} ${count(found)}`
  }
  const names = { waiting: 'Waiting', dead: 'Dead', delivered: 'Delivered', dropped: 'Dropped' }
  return (
    <Segments
      label="State"
      value={props.value}
      options={STATES.map((state) => ({ value: state, label: label(state, names[state]) }))}
      onChange={props.onChange}
    />
  )
}

function ForAll({ ids }: { ids: readonly number[] }) {
  const notifying = useNotifying()
  const offline = useOffline()
  const off = { disabled: offline !== null, title: offline ?? undefined }
  return (
    <>
      <Button {...off} onClick={() => void notifying.retry(ids)}>
        Retry these {count(ids.length)}
      </Button>
      <Button {...off} look="quiet" onClick={() => void notifying.drop(ids)}>
        Drop these…
      </Button>
    </>
  )
}
