import { useQueryClient } from '@tanstack/react-query'
import { ChevronDown, CircleDashed, Inbox, Plus } from 'lucide-react'
import { Link, useLocation } from 'wouter'
import { shown } from '@/keys/table'
import { Button, Key } from '@/kit/Button'
import { Menu } from '@/kit/Menu'
import { count } from '@/kit/numbers'
import { useOffline } from '@/live/connection'
import { keys } from '@/live/keys'
import { useBoard } from './board'
import { useIsServed } from './hosts'
import { useNewTask } from './newTask'
import { placeOf, useGo } from './places'
import { useNeedsYou } from './Rail'
import { useHealth } from './reads'
import { SearchBox } from './SearchBox'
import { StandingIcon } from './StandingIcon'
import { standingOf } from './standing'
import { VIEW_ENTRIES } from './views'

/** Which board this is, search, whether anything runs it, and what waits for a person. */
export function TopBar({ onNewBoard }: { onNewBoard: () => void }) {
  const { slug } = useBoard()
  const needsYou = useNeedsYou()
  const newTask = useNewTask()
  return (
    <header className="top">
      <BoardSwitch onNewBoard={onNewBoard} />
      <Where />
      <span className="grow" />
      <SearchBox />
      <GatewayPill />
      <Link className="btn needs-you" href={`~${placeOf(slug, 'inbox')}`}>
        <Inbox className="i" aria-hidden="true" />
        <span className="wide">Needs you</span>
        {needsYou > 0 && <b className="st blocked">{count(needsYou)}</b>}
      </Link>
      <Button look="primary" onClick={() => newTask()}>
        <Plus className="i" aria-hidden="true" />
        <span className="wide">New task</span>
        <Key>{shown('newTask')}</Key>
      </Button>
    </header>
  )
}

function BoardSwitch({ onNewBoard }: { onNewBoard: () => void }) {
  const queries = useQueryClient()
  const { slug, name, boards } = useBoard()
  const go = useGo()
  return (
    <Menu
      title="Boards"
      // Others may have made boards: no event of this one tells.
      onOpenChange={(open) => open && void queries.invalidateQueries({ queryKey: keys.boards })}
      trigger={
        <Button look="quiet" className="switch" aria-label={`Board: ${name}`}>
          {name}
          <ChevronDown className="i" aria-hidden="true" />
        </Button>
      }
      items={[
        ...boards.map((one) => ({
          label: one.board?.name || one.slug,
          checked: one.slug === slug,
          whyNot: one.error,
          onSelect: () => go(`~${placeOf(one.slug)}`),
        })),
        null,
        {
          label: 'New board…',
          icon: <Plus className="i" aria-hidden="true" />,
          onSelect: onNewBoard,
        },
      ]}
    />
  )
}

/** Which view is shown, beside the name of its board. */
function Where() {
  const [at] = useLocation()
  const entry = VIEW_ENTRIES.find(({ view }) => at === `/${view}`)
  if (entry === undefined) return null
  return <span className="where wide">{entry.heading ?? entry.name}</span>
}

/** Whether something runs the board, and how much of it is taken; opens health. */
function GatewayPill() {
  const { slug, gateway: told } = useBoard()
  const health = useHealth().data
  const gateway = told === undefined ? health?.gateway : told
  const offline = useOffline()
  const served = useIsServed() === true
  const { word, status } = standingOf(gateway, health?.standby, served)
  return (
    <Link
      className={`pill ${offline === null ? status : 'is-deaf'}`}
      href={`~${placeOf(slug, 'health')}`}
      title={offline === null ? undefined : `${offline} This is how it was.`}
    >
      {offline === null ? (
        <StandingIcon word={word} />
      ) : (
        <CircleDashed className="i" aria-hidden="true" />
      )}
      <span className={word === 'Gateway' || word === 'Degraded' ? 'wide' : undefined}>{word}</span>
      {health !== undefined && (gateway != null || served) && (
        <span>
          {health.in_progress}/{health.max_in_progress}
          <span className="wide middle"> running</span>
        </span>
      )}
      {health?.paused_at != null && <b>paused</b>}
    </Link>
  )
}
