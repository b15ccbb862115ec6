import { Link } from 'wouter'
import { sentenceOf } from '@/api/problem'
import type { Health } from '@/api/types'
import { useBoard } from '@/app/board'
import { Part } from '@/kit/Facts'
import { count } from '@/kit/numbers'
import { byServer } from '@/live/clock'
import { DeliveryRow } from '@/notifications/DeliveryRow'
import { outboxPlace } from '@/notifications/places'
import { useOutbox } from '@/notifications/reading'
import { Read } from './Read'
import '@/notifications/notifications.css'

const SHOWN = 5

/** Messages that nobody got, the newest; the outbox has them all. */
export function DeadDeliveries({ health }: { health: Health }) {
  const { slug } = useBoard()
  const dead = useOutbox('dead', null)
  const all = dead.data ?? []
  const waiting = health.deliveries_waiting
  return (
    <Part
      title="Messages"
      fresh={dead.dataUpdatedAt > 0 && <Read at={byServer(dead.dataUpdatedAt)} />}
      actions={
        <Link
          className="notify-all"
          href={`~${outboxPlace(slug, all.length > 0 ? 'dead' : 'waiting')}`}
        >
          {all.length > 0
            ? `${count(Math.max(health.deliveries_dead, all.length))} dead`
            : 'Outbox'}
        </Link>
      }
    >
      {dead.error !== null && <p role="alert">{sentenceOf(dead.error)}</p>}
      {all.length === 0 ? (
        <p className="dim">
          None was given up{waiting > 0 && `; ${count(waiting)} are on their way`}.
        </p>
      ) : (
        <ul className="boxed notify-list">
          {all.slice(0, SHOWN).map((one) => (
            <DeliveryRow key={one.id} delivery={one} />
          ))}
        </ul>
      )}
    </Part>
  )
}
