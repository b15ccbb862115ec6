import { useQuery } from '@tanstack/react-query'
import {
  Activity,
  ChartNoAxesColumn,
  GanttChart,
  History,
  Inbox,
  Keyboard,
  SlidersHorizontal,
  SquareKanban,
  Users,
  Waypoints,
} from 'lucide-react'
import { Link, useLocation } from 'wouter'
import { held } from '@/api/client'
import { type KeyId, shown } from '@/keys/table'
import { Tip } from '@/kit/Button'
import { keys } from '@/live/keys'
import { useBoard, useClient } from './board'
import { placeOf, type View } from './places'

const ENTRIES: readonly [View, string, KeyId, typeof Inbox][] = [
  ['board', 'Board', 'goBoard', SquareKanban],
  ['inbox', 'Inbox', 'goInbox', Inbox],
  ['graph', 'Graph', 'goGraph', Waypoints],
  ['timeline', 'Timeline', 'goTimeline', GanttChart],
  ['metrics', 'Metrics', 'goMetrics', ChartNoAxesColumn],
  ['health', 'Health', 'goHealth', Activity],
  ['profiles', 'Profiles', 'goProfiles', Users],
  ['past', 'Past', 'goPast', History],
]

/** Where one can go; at the foot on a narrow screen. */
export function Rail({ onKeys }: { onKeys: () => void }) {
  const { slug } = useBoard()
  const needsYou = useNeedsYou()
  return (
    <nav className="rail" aria-label="Views">
      <span className="logo" aria-hidden="true">
        <svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor">
          <path
            d="M3.500 3v10M3.500 8h9M9.500 5l3 3-3 3"
            strokeWidth="1.750"
            strokeLinecap="round"
          />
        </svg>
      </span>
      {ENTRIES.map(([view, name, key, Icon]) => (
        <Entry key={view} view={view} name={name} hint={shown(key)} slug={slug}>
          <Icon size={16} aria-hidden="true" />
          {view === 'inbox' && needsYou > 0 && <b className="dot">{needsYou}</b>}
        </Entry>
      ))}
      <span className="space" />
      <Tip text="Keys" hint="?" side="right">
        <button type="button" className="place wide" aria-label="Keys" onClick={onKeys}>
          <Keyboard size={16} aria-hidden="true" />
        </button>
      </Tip>
      <Entry view="settings" name="Settings" hint={shown('goSettings')} slug={slug}>
        <SlidersHorizontal size={16} aria-hidden="true" />
      </Entry>
    </nav>
  )
}

function Entry(props: {
  view: View
  name: string
  hint: string
  slug: string
  children: React.ReactNode
}) {
  const [at] = useLocation()
  const current = props.view === 'board' ? at === '/' : at === `/${props.view}`
  const narrow = ['board', 'inbox', 'graph', 'timeline'].includes(props.view)
  return (
    <Tip text={props.name} hint={props.hint} side="right">
      <Link
        className={narrow ? 'place' : 'place wide'}
        href={`~${placeOf(props.slug, props.view)}`}
        aria-current={current ? 'page' : undefined}
      >
        {props.children}
        <span className="label">{props.name}</span>
      </Link>
    </Tip>
  )
}

/** How many tasks wait for a person, exactly. */
export function useNeedsYou(): number {
  const { slug } = useBoard()
  const client = useClient()
  const counts = useQuery({
    queryKey: keys.counts(slug),
    queryFn: async () => held(await client.GET('/counts')),
  })
  return counts.data?.needs_you ?? 0
}
