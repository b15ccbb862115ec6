import { useQuery } from '@tanstack/react-query'
import {
  ChevronDown,
  CircleCheck,
  CircleDashed,
  CircleX,
  Inbox,
  Plus,
  TriangleAlert,
} from 'lucide-react'
import { Link } from 'wouter'
import { held } from '@/api/client'
import { shown } from '@/keys/table'
import { Button, Key } from '@/kit/Button'
import { Menu } from '@/kit/Menu'
import { keys } from '@/live/keys'
import { useBoard, useClient } from './board'
import { useNewTask } from './newTask'
import { placeOf, useGo } from './places'
import { useNeedsYou } from './Rail'
import { SearchBox } from './SearchBox'

/** Which board this is, search, whether anything runs it, and what waits for a person. */
export function TopBar() {
  const { slug } = useBoard()
  const needsYou = useNeedsYou()
  const newTask = useNewTask()
  return (
    <header className="top">
      <BoardSwitch />
      <span className="grow" />
      <SearchBox />
      <GatewayPill />
      <Link className="btn" href={`~${placeOf(slug, 'inbox')}`}>
        <Inbox className="i" aria-hidden="true" />
        <span className="wide">Needs you</span>
        {needsYou > 0 && <b className="st blocked">{needsYou}</b>}
      </Link>
      <Button look="primary" onClick={() => newTask()}>
        <Plus className="i" aria-hidden="true" />
        <span className="wide">New task</span>
        <Key>{shown('newTask')}</Key>
      </Button>
    </header>
  )
}

function BoardSwitch() {
  const { slug, name, boards } = useBoard()
  const go = useGo()
  return (
    <Menu
      title="Boards"
      trigger={
        <Button look="quiet" className="switch" aria-label={`Board: ${name}`}>
          {name}
          <ChevronDown className="i" aria-hidden="true" />
        </Button>
      }
      items={boards.map((one) => ({
        label: one.board?.name || one.slug,
        checked: one.slug === slug,
        whyNot: one.error,
        onSelect: () => go(`~${placeOf(one.slug)}`),
      }))}
    />
  )
}

/** The four words of a gateway, each with a shape of its own. */
function GatewayPill() {
  const { slug } = useBoard()
  const client = useClient()
  const health = useQuery({
    queryKey: keys.slow(slug, 'health'),
    queryFn: async () => held(await client.GET('/health')),
    refetchInterval: 15_000,
  })
  const { gateway } = useBoard()
  const [word, status, Icon] = wordOf(gateway)
  const slots = health.data
  return (
    <Link className={`pill ${status}`} href={`~${placeOf(slug, 'health')}`}>
      <Icon className="i" aria-hidden="true" />
      {word}
      {slots !== undefined && gateway != null && (
        <span className="wide">
          {slots.in_progress}/{slots.max_in_progress} running
        </span>
      )}
      {slots?.paused_at != null && <b>paused</b>}
    </Link>
  )
}

function wordOf(
  gateway: ReturnType<typeof useBoard>['gateway'],
): [string, string, typeof CircleCheck] {
  if (gateway == null) return ['No gateway', 'blocked', CircleX]
  if (gateway.degraded.length > 0) return ['Degraded', 'running', TriangleAlert]
  if (gateway.state === 'standby') return ['Standby', 'todo', CircleDashed]
  return ['Gateway', 'done', CircleCheck]
}
