import { useNotifying } from '@/actions/useActions'
import type { Delivery } from '@/api/types'
import { Age } from '@/kit/Age'
import { Button } from '@/kit/Button'
import { capital, sentence } from '@/kit/sentences'
import { useOffline } from '@/live/connection'
import { TaskLink } from '@/task/TaskLink'
import { Next } from './Fares'
import { Where } from './Where'
import { kindWords } from './words'

/** One message: what it is about, where it goes, how that went, and what can be done. */
export function DeliveryRow({ delivery }: { delivery: Delivery }) {
  const notifying = useNotifying()
  const offline = useOffline()
  const { id, state, task_id: task } = delivery
  const drop = () => notifying.drop([id])
  const off = { small: true, disabled: offline !== null, title: offline ?? undefined }
  return (
    <li className="notify-row delivery" aria-label={`Delivery ${id}`}>
      <div className="notify-what">
        <span>
          <b>
            {delivery.kind === null ? 'An event that is gone' : capital(kindWords(delivery.kind))}
          </b>
          {task !== null && (
            <>
              {' '}
              <TaskLink id={task} className="notify-task" />{' '}
              <span className="dim">{delivery.title}</span>
            </>
          )}
        </span>
      </div>
      <div className="notify-how">
        <Where destination={delivery.destination} />
      </div>
      <div className="notify-state">
        <Told delivery={delivery} />
        {delivery.reason !== null && <small>{sentence(delivery.reason)}</small>}
        {delivery.batch !== null && <small className="dim">In a digest</small>}
      </div>
      {state !== 'delivered' && (
        <div className="notify-acts">
          <Button {...off} onClick={() => void notifying.retry([id])}>
            {state === 'dead' ? 'Retry' : 'Try now'}
          </Button>
          {delivery.dropped_at === null && (
            <Button
              {...off}
              look="quiet"
              onClick={() => void (state === 'dead' ? notifying.dropDead(delivery) : drop())}
            >
              Drop…
            </Button>
          )}
        </div>
      )}
    </li>
  )
}

function Told({ delivery }: { delivery: Delivery }) {
  const { state, attempts, next_attempt_at: next, delivered_at: arrived } = delivery
  const tried = `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`
  if (state === 'delivered') {
    return (
      <span className="st done">
        Delivered{' '}
        {arrived !== null && (
          <>
            <Age at={arrived} /> ago
          </>
        )}
      </span>
    )
  }
  if (delivery.dropped_at !== null) {
    return (
      <span className="st todo">
        Dropped <Age at={delivery.dropped_at} /> ago
      </span>
    )
  }
  if (state === 'dead') {
    return <span className="st blocked">{attempts === 0 ? 'Dead' : `Dead after ${tried}`}</span>
  }
  return (
    <span className={attempts === 0 ? 'st todo' : 'st running'}>
      {attempts === 0 ? 'Waiting' : `Retrying after ${tried}`}
      {next !== null && <Next at={next} />}
    </span>
  )
}
