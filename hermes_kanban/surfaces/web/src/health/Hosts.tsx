import { useQueryClient } from '@tanstack/react-query'
import { CirclePause, CirclePlay, ExternalLink } from 'lucide-react'
import { useActions } from '@/actions/useActions'
import { sentenceOf } from '@/api/problem'
import type { Host } from '@/api/types'
import { useBoard } from '@/app/board'
import { HostIcon } from '@/app/HostIcon'
import { useHosts } from '@/app/hosts'
import { hostStanding, pageOf } from '@/app/hostWords'
import { placeOf } from '@/app/places'
import { Age } from '@/kit/Age'
import { Avatar, plainName } from '@/kit/Avatar'
import { Button } from '@/kit/Button'
import { Part, Share } from '@/kit/Facts'
import { useOffline } from '@/live/connection'
import { keys } from '@/live/keys'
import { Read } from './Read'
import './hosts.css'

/** The machines that share the board; nothing on one that has a single one, which starts tasks. */
export function HostsPart() {
  const { data, error } = useHosts()
  if (data === undefined) return error === null ? null : <p role="alert">{sentenceOf(error)}</p>
  const { shared, hosts, now } = data
  if (!shared && hosts.every((one) => one.state === 'active')) return null
  return (
    <Part title="Hosts" fresh={<Read at={now} />}>
      {hosts.length === 0 ? (
        <p className="dim">No gateway has started tasks of this board yet.</p>
      ) : (
        <ul className="boxed hosts">
          {hosts.map((host) => (
            <HostRow
              key={host.host_id}
              host={host}
              isAlone={hosts.every((one) => one === host || one.name !== host.name)}
            />
          ))}
        </ul>
      )}
    </Part>
  )
}

/** A host; where several have its name (`isAlone` false), with its id. */
function HostRow({ host, isAlone }: { host: Host; isAlone: boolean }) {
  const { slug } = useBoard()
  const { word, status } = hostStanding(host)
  const page = host.here ? null : pageOf(host, placeOf(slug))
  const heading = `host-${host.host_id}`
  return (
    <li className="host" aria-labelledby={heading}>
      <div className="host-head">
        <div>
          <h3 id={heading}>{host.name}</h3>
          {!isAlone && <code>{host.host_id}</code>}
          <span className={`badge ${status}`}>
            <HostIcon word={word} />
            {word}
          </span>
          {host.here && <span className="dim">serves this page</span>}
        </div>
        <DrainButton host={host} />
      </div>
      <Meaning host={host} />
      <p className="host-now">
        <span>
          {host.running}
          {host.max_in_progress !== null && ` of ${host.max_in_progress}`} running
          {host.max_in_progress !== null && (
            <Share taken={host.running} of={host.max_in_progress} />
          )}
        </span>
        {host.last_seen_at !== null && (
          <span>
            <span>
              seen <Age at={host.last_seen_at} /> ago
            </span>
          </span>
        )}
        {host.version !== null && <span>version {host.version}</span>}
        {page !== null && (
          <a href={page} target="_blank" rel="noreferrer">
            Open its page
            <ExternalLink className="i" aria-hidden="true" />
            <span className="hidden-words"> on {host.name}, in a new tab</span>
          </a>
        )}
      </p>
      <dl className="host-can">
        <dt>Runs</dt>
        <dd>
          {host.profiles.length === 0 && <span className="dim">no profile</span>}
          {host.profiles.map((name) => (
            <span key={name}>
              <Avatar name={name} />
              {name}
            </span>
          ))}
        </dd>
        <dt>Offers</dt>
        <dd>
          {host.capabilities.map((one) => (
            <code key={one}>{one}</code>
          ))}
        </dd>
      </dl>
    </li>
  )
}

/** What its word means, where it is not simply at work. */
function Meaning({ host }: { host: Host }) {
  const { presence, state, running } = host
  if (presence === 'live' && state === 'active') return null
  const runs = running === 1 ? 'Its run' : `Its ${running} runs`
  return (
    <p className="host-meaning">
      {presence === 'lost' && 'It is not heard of, and did not say that it leaves. '}
      {presence === 'left' && 'Its gateway has ended. '}
      {presence !== 'live' &&
        running > 0 &&
        `${runs} ${running === 1 ? 'is' : 'are'} given up once the lease is over. `}
      {state === 'draining' && (
        <>
          {presence === 'live' ? 'It starts nothing new' : 'It starts nothing when it returns'}
          {host.drained_by !== null && `: ${plainName(host.drained_by)} asked for that`}
          {host.drained_at !== null && (
            <>
              {' '}
              <Age at={host.drained_at} /> ago
            </>
          )}
          {host.drained_reason === null ? '.' : `, because “${host.drained_reason}”.`}{' '}
        </>
      )}
      {presence === 'live' && running > 0 && `${runs} ${running === 1 ? 'goes' : 'go'} on.`}
    </p>
  )
}

/** One button, which keeps the focus when it comes to do the opposite. */
function DrainButton({ host }: { host: Host }) {
  const { slug } = useBoard()
  const queries = useQueryClient()
  const actions = useActions()
  const offline = useOffline()
  const drained = host.state === 'draining'
  const change = async () => {
    await (drained ? actions.resumeHost(host) : actions.drainHost(host))
    await queries.invalidateQueries({ queryKey: keys.slow(slug, 'hosts') })
  }
  const Icon = drained ? CirclePlay : CirclePause
  return (
    <Button disabled={offline !== null} title={offline ?? undefined} onClick={() => void change()}>
      <Icon className="i" aria-hidden="true" />
      {drained ? 'Resume' : 'Drain'}
      <span className="hidden-words"> {host.name}</span>
    </Button>
  )
}
