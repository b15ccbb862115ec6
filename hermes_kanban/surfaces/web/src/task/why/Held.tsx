import { useActions, useMenus } from '@/actions/useActions'
import { type Hold, statusOf } from '@/api/types'
import { useIsServed, useSeveralHosts } from '@/app/hosts'
import { shown } from '@/keys/table'
import { Age } from '@/kit/Age'
import { Button } from '@/kit/Button'
import { Command } from '@/kit/Empty'
import { StatusIcon } from '@/kit/StatusIcon'
import { sentence } from '@/kit/sentences'
import { absolute, clockTime } from '@/kit/time'
import { useOffline } from '@/live/connection'
import { useTask } from '../context'
import { useHolds } from '../data'
import { Mentions } from '../Mentions'
import { HostLifter, ResumeHosts } from './HostHolds'
import { Lifter } from './Lifter'

/** Every reason why it does not start, each with what lifts it. */
export function Held() {
  const served = useIsServed()
  const several = useSeveralHosts().length > 0
  const { detail } = useTask()
  const { task } = detail
  const why = useHolds(task.id, detail.why)
  const status = statusOf(task)
  if (why.length === 0) {
    if (served === false) {
      return (
        <div className={`task-why ${status}`}>
          <StatusIcon status={status} />
          <div className="task-why-text">
            <p>
              <b>No gateway runs, so nothing starts.</b> It starts as soon as one does.
            </p>
            <Command text="hermes-kanban gateway run" />
          </div>
        </div>
      )
    }
    return (
      <div className={`task-why ${status}`}>
        <StatusIcon status={status} />
        <div className="task-why-text">
          <p>
            <b>Nothing holds it back.</b> {several ? 'A host' : 'The gateway'} starts it at its next
            look.
          </p>
        </div>
      </div>
    )
  }
  return (
    <div className={`task-why ${status}`}>
      <StatusIcon status={status} />
      <ul className="task-why-text task-holds">
        {why.map((hold) => (
          <HoldRow key={`${hold.code} ${hold.text}`} hold={hold} isOnly={why.length === 1} />
        ))}
      </ul>
    </div>
  )
}

function HoldRow({ hold, isOnly }: { hold: Hold; isOnly: boolean }) {
  return (
    <li>
      <p>
        <b>
          <Mentions text={sentence(hold.text)} />
        </b>{' '}
        {hold.until !== null ? (
          <span className="dim" title={absolute(hold.until)}>
            until {clockTime(hold.until)}
          </span>
        ) : (
          hold.since !== null && (
            <span className="dim">
              for <Age at={hold.since} />
            </span>
          )
        )}
      </p>
      {/* Where it runs is no reason while there is one why it does not. */}
      {(hold.code !== 'elsewhere' || isOnly) && <LiftButton hold={hold} />}
    </li>
  )
}

/** The button that lifts it; where none of the page does, the words of the server. */
function LiftButton({ hold }: { hold: Hold }) {
  const { detail } = useTask()
  const actions = useActions()
  const menus = useMenus()
  const disabled = useOffline() !== null
  const { task } = detail
  switch (hold.code) {
    case 'paused':
      return (
        <Button small disabled={disabled} onClick={() => void actions.resume()}>
          Resume the board
        </Button>
      )
    case 'scheduled':
      return (
        <Button small disabled={disabled} onClick={() => void actions.schedule([task], null)}>
          Start at once
        </Button>
      )
    case 'unassigned':
    case 'no_profile':
      return (
        <Button
          small
          disabled={disabled}
          hint={shown('assign')}
          onClick={() => void menus.assign([task])}
        >
          Assign…
        </Button>
      )
    case 'overlooked':
      return (
        <Button small disabled={disabled} onClick={() => void actions.promote([task])}>
          Make it ready
        </Button>
      )
    case 'draining':
      return <ResumeHosts hold={hold} />
    case 'no_host':
      return <HostLifter hold={hold} />
    default:
      return <Lifter hold={hold} />
  }
}
