import { Link } from 'wouter'
import { useActions } from '@/actions/useActions'
import type { Hold } from '@/api/types'
import { useBoard } from '@/app/board'
import { useHosts } from '@/app/hosts'
import { placeOf } from '@/app/places'
import { Button } from '@/kit/Button'
import { useOffline } from '@/live/connection'
import { useTask } from '../context'
import { Lifter } from './Lifter'

/** The hosts that could run it and drain, each with the button that ends that. */
export function ResumeHosts({ hold }: { hold: Hold }) {
  const { detail } = useTask()
  const actions = useActions()
  const disabled = useOffline() !== null
  const { assignee } = detail.task
  const all = useHosts().data?.hosts.filter((one) => one.state === 'draining') ?? []
  const able = all.filter((one) => assignee !== null && one.profiles.includes(assignee))
  const drained = able.length > 0 ? able : all
  if (drained.length === 0) return <Lifter hold={hold} />
  return (
    <div className="task-buttons">
      {drained.map((host) => (
        <Button
          key={host.host_id}
          small
          disabled={disabled}
          onClick={() => void actions.resumeHost(host)}
        >
          Resume {host.name}
        </Button>
      ))}
    </div>
  )
}

/** What brings a host that runs it, and where the hosts are seen. */
export function HostLifter({ hold }: { hold: Hold }) {
  const { slug } = useBoard()
  return (
    <>
      <Lifter hold={hold} />
      <p>
        <Link className="task-text-button" href={`~${placeOf(slug, 'health')}`}>
          See the hosts
        </Link>
      </p>
    </>
  )
}
