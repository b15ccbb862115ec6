import { useQueryClient } from '@tanstack/react-query'
import { Pause, Play } from 'lucide-react'
import { useActions } from '@/actions/useActions'
import { sentenceOf } from '@/api/problem'
import type { Health } from '@/api/types'
import { useBoard } from '@/app/board'
import { useSeveralHosts } from '@/app/hosts'
import { useHealth } from '@/app/reads'
import { Age } from '@/kit/Age'
import { plainName } from '@/kit/Avatar'
import { Button } from '@/kit/Button'
import { Facts, Part, Share } from '@/kit/Facts'
import { bytes, count } from '@/kit/numbers'
import { useOffline } from '@/live/connection'
import { keys } from '@/live/keys'
import { Caps } from './Caps'
import { ConfigAlarm } from './ConfigAlarm'
import { DeadDeliveries } from './DeadDeliveries'
import { GatewayPart } from './GatewayPart'
import { HostsPart } from './Hosts'
import { Read } from './Read'
import { Stuck } from './Stuck'
import './health.css'

/** How the board stands: what runs it, what is full, and what is wrong. */
export default function HealthView() {
  const health = useHealth()
  return (
    <div className="page">
      <div className="sheet health">
        <div className="page-head">
          <h1>Health</h1>
          {health.data !== undefined && (
            <span className="dim">
              <Read at={health.data.now} />
            </span>
          )}
        </div>
        {health.error !== null && <p role="alert">{sentenceOf(health.error)}</p>}
        {health.data !== undefined && <Parts health={health.data} />}
      </div>
    </div>
  )
}

function Parts({ health }: { health: Health }) {
  return (
    <>
      <ConfigAlarm />
      <GatewayPart health={health} />
      <HostsPart />
      {health.gateway !== null && (
        <Stuck stuck={health.gateway.stuck} at={health.gateway.tick_at} />
      )}
      <BoardPart health={health} />
      <Caps health={health} />
      <DatabasePart health={health} />
      <DeadDeliveries health={health} />
    </>
  )
}

function BoardPart({ health }: { health: Health }) {
  const { slug } = useBoard()
  const actions = useActions()
  const offline = useOffline()
  const queries = useQueryClient()
  const paused = health.paused_at !== null
  const change = async () => {
    await (paused ? actions.resume() : actions.pause())
    await queries.invalidateQueries({ queryKey: keys.slow(slug, 'health') })
  }
  return (
    <Part
      title="Board"
      fresh={<Read at={health.now} />}
      actions={
        <Button
          disabled={offline !== null}
          title={offline ?? undefined}
          onClick={() => void change()}
        >
          {paused ? (
            <Play className="i" aria-hidden="true" />
          ) : (
            <Pause className="i" aria-hidden="true" />
          )}
          {paused ? 'Resume' : 'Pause'}
        </Button>
      }
    >
      <Facts
        rows={[
          {
            name: 'Paused',
            value:
              health.paused_at === null ? (
                'No'
              ) : (
                <b className="st blocked">
                  For <Age at={health.paused_at} />
                  {health.paused_by !== null && ` by ${plainName(health.paused_by)}`}
                </b>
              ),
            note: paused
              ? 'What runs goes on; nothing new starts until somebody resumes.'
              : undefined,
          },
          {
            name: 'Slots',
            value: (
              <>
                {health.in_progress} of {health.max_in_progress} taken
                <Share taken={health.in_progress} of={health.max_in_progress} />
              </>
            ),
          },
          { name: 'Tasks that wait for a person', value: count(health.needs_you) },
          { name: 'Newest event', value: count(health.cursor) },
        ]}
      />
    </Part>
  )
}

function DatabasePart({ health }: { health: Health }) {
  // Each host has a disk and workspaces of its own.
  const here = useSeveralHosts().find((one) => one.here)
  const where = here === undefined ? '' : ` on ${here.name}`
  const low = health.free_mib < health.min_free_mib
  return (
    <Part title="Database and disk" fresh={<Read at={health.now} />}>
      <Facts
        rows={[
          {
            name: 'Database',
            value: (
              <>
                <span>{health.database === 'sqlite' ? 'SQLite' : 'PostgreSQL'}</span>
                <span className="dim">{bytes(health.database_bytes)}</span>
              </>
            ),
          },
          {
            name: 'Free on the disk',
            value: low ? (
              <b className="st blocked">
                {space(health.free_mib)}
                {where}
              </b>
            ) : (
              `${space(health.free_mib)}${where}`
            ),
            note: `Below ${space(health.min_free_mib)} nothing new starts (kanban.min_free_mb).`,
          },
          {
            name: 'Quarantine',
            value:
              health.quarantined === 0
                ? `Empty${where}`
                : `${count(health.quarantined)} ${health.quarantined === 1 ? 'folder' : 'folders'}${where}`,
            note:
              health.quarantined === 0
                ? undefined
                : 'Workspaces that were kept because they held work. Look with: hermes-kanban gc',
          },
        ]}
      />
    </Part>
  )
}

function space(mib: number): string {
  return mib < 10_240 ? `${count(mib)} MiB` : `${count(Math.round(mib / 1_024))} GiB`
}
