import { CircleCheck, Clock, RotateCw, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import type { Owing } from '@/api/types'
import { useBoard } from '@/app/board'
import { Age } from '@/kit/Age'
import { count } from '@/kit/numbers'
import { sentence } from '@/kit/sentences'
import { absolute, clockTime } from '@/kit/time'
import { outboxPlace } from './places'
import type { DeliveryState } from './reading'

/** How a subscription fares: what is dead, what is tried again and why, what waits, what arrived. */
export function Fares({ id, owed }: { id: number; owed: Owing | undefined }) {
  if (owed === undefined) return null
  const { waiting, delivered, dead, reason } = owed
  return (
    <>
      {dead > 0 && (
        <State id={id} state="dead" look="blocked">
          <TriangleAlert className="i" aria-hidden="true" /> {count(dead)} dead
        </State>
      )}
      {waiting > 0 && (
        <State id={id} state="waiting" look={reason === null ? 'todo' : 'running'}>
          {reason === null ? (
            <Clock className="i" aria-hidden="true" />
          ) : (
            <RotateCw className="i" aria-hidden="true" />
          )}{' '}
          {count(waiting)} {reason === null ? 'waiting' : 'retrying'}
          {owed.next_at !== null && <Next at={owed.next_at} />}
        </State>
      )}
      {waiting > 0 && reason !== null && <small>{sentence(reason)}</small>}
      {delivered > 0 && (
        <State id={id} state="delivered" look="done">
          <CircleCheck className="i" aria-hidden="true" /> {count(delivered)} delivered
          {owed.delivered_at !== null && (
            <span className="dim">
              , last <Age at={owed.delivered_at} /> ago
            </span>
          )}
        </State>
      )}
      {waiting + delivered + dead === 0 && <span className="dim">Nothing to tell yet</span>}
    </>
  )
}

/** When it is tried, unless that is about now. */
export function Next({ at }: { at: number }) {
  if (at <= Date.now() / 1_000) return null
  return (
    <span className="dim">
      , next at <time title={absolute(at)}>{clockTime(at)}</time>
    </span>
  )
}

function State(props: { id: number; state: DeliveryState; look: string; children: ReactNode }) {
  const { slug } = useBoard()
  return (
    <Link
      className={`notify-fares st ${props.look}`}
      href={`~${outboxPlace(slug, props.state, props.id)}`}
    >
      {props.children}
    </Link>
  )
}
