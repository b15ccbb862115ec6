import { BellPlus } from 'lucide-react'
import { useSearchParams } from 'wouter'
import { useNotify } from '@/app/notify'
import { Button } from '@/kit/Button'
import { Segments } from '@/kit/Segments'
import { useOffline } from '@/live/connection'
import { Outbox } from './Outbox'
import { Subscriptions } from './Subscriptions'
import './notifications.css'

/** Who hears of what, and what is owed to them. */
export default function NotificationsView() {
  const [search, setSearch] = useSearchParams()
  const notify = useNotify()
  const offline = useOffline()
  const shown = search.get('show') === 'outbox' ? 'outbox' : 'subscriptions'
  const show = (part: typeof shown) =>
    setSearch((before) => {
      const next = new URLSearchParams(before)
      for (const name of ['show', 'state', 'subscription']) next.delete(name)
      if (part === 'outbox') next.set('show', part)
      return next
    })
  return (
    <div className="page">
      <div className="sheet wide-sheet">
        <div className="page-head notify-head">
          <h1>Notifications</h1>
          <Segments
            label="Show"
            value={shown}
            options={[
              { value: 'subscriptions', label: 'Subscriptions' },
              { value: 'outbox', label: 'Outbox' },
            ]}
            onChange={show}
          />
          <span className="grow" />
          <Button
            look="primary"
            disabled={offline !== null}
            title={offline ?? undefined}
            onClick={() => notify()}
          >
            <BellPlus className="i" aria-hidden="true" />
            New subscription
          </Button>
        </div>
        {shown === 'outbox' ? <Outbox /> : <Subscriptions />}
      </div>
    </div>
  )
}
