import type { Gateway, Health } from '@/api/types'
import { useBoard } from '@/app/board'
import { useIsServed, useSeveralHosts } from '@/app/hosts'
import { StandingIcon } from '@/app/StandingIcon'
import { standingOf } from '@/app/standing'
import { Age } from '@/kit/Age'
import { Command } from '@/kit/Empty'
import { Facts, Part, Share } from '@/kit/Facts'

const MEANS: Record<ReturnType<typeof standingOf>['word'], string> = {
  Gateway: 'A gateway starts the tasks of this board.',
  Standby: 'A gateway stands by, and is about to take this board over.',
  Degraded: 'A gateway serves this board and needs a person.',
  'No gateway': 'Nothing starts until a gateway serves this board. What runs goes on.',
}

/** Whether something runs the board, and what it says of itself. */
export function GatewayPart({ health }: { health: Health }) {
  const told = useBoard().gateway
  // Presence comes live and is newer than the last reading.
  const gateway = told === undefined ? health.gateway : told
  const served = useIsServed() === true
  const { word, status } = standingOf(gateway, health.standby, served)
  const means =
    gateway === null && served
      ? 'None runs here; other hosts start the tasks of this board.'
      : MEANS[word]
  return (
    <Part
      title="Gateway"
      fresh={
        gateway !== null && (
          <>
            last tick <Age at={gateway.tick_at} /> ago
          </>
        )
      }
    >
      <p className={`standing ${status}`}>
        <StandingIcon word={word} />
        <b>{word}</b>
        <span>{means}</span>
      </p>
      {gateway === null && !served && health.standby.length === 0 && (
        <Command text="hermes-kanban gateway run" />
      )}
      {gateway !== null && <Told gateway={gateway} health={health} />}
      {health.standby.length > 0 && <Standby all={health.standby} />}
    </Part>
  )
}

function Told({ gateway, health }: { gateway: Gateway; health: Health }) {
  const { slug } = useBoard()
  const here = useSeveralHosts().find((one) => one.host_id === gateway.host)
  const places = here?.max_in_progress ?? health.max_in_progress
  const ofBoard = slug === 'default' ? '' : ` --board ${slug}`
  // What is wrong with the configuration stands above everything already.
  const wrong = gateway.degraded.filter((one) => one !== health.config_error)
  return (
    <>
      {wrong.length > 0 && (
        <ul className="alarm running">
          {wrong.map((one) => (
            <li key={one}>{one}</li>
          ))}
        </ul>
      )}
      <Facts
        rows={[
          {
            name: 'Process',
            value: (
              <>
                <span>pid {gateway.pid}</span>
                <span className="dim">version {gateway.version}</span>
              </>
            ),
          },
          {
            name: 'Host',
            value: (
              <>
                {here !== undefined && <span>{here.name}</span>}
                <code>{gateway.host}</code>
              </>
            ),
          },
          {
            name: 'What it logs',
            value: <Command text={`hermes-kanban gateway logs -f${ofBoard}`} />,
          },
          {
            name: 'Serves it since',
            value: (
              <>
                <Age at={gateway.started_at} />
              </>
            ),
          },
          {
            name: 'Looks at least',
            value: `every ${gateway.interval_seconds} s`,
            note: 'It also looks at once when something changes.',
          },
          {
            name: 'Slots',
            value: (
              <>
                {gateway.in_progress} of {places} used at the last tick
                <Share taken={gateway.in_progress} of={places} />
              </>
            ),
          },
        ]}
      />
    </>
  )
}

/** Those that take over when the gateway that serves the board dies. */
function Standby({ all }: { all: Gateway[] }) {
  return (
    <div className="standby">
      <Facts
        rows={all.map((one) => ({
          name: 'Stands by',
          value: (
            <>
              <span>pid {one.pid}</span>
              <span className="dim">version {one.version}</span>
              <span className="dim">
                for <Age at={one.started_at} />, heard of <Age at={one.tick_at} /> ago
              </span>
            </>
          ),
          note: one.host,
        }))}
      />
    </div>
  )
}
