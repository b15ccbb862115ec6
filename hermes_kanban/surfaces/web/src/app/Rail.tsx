import { useQuery } from '@tanstack/react-query'
import { Ellipsis, Keyboard, Search } from 'lucide-react'
import { Link, useLocation } from 'wouter'
import { held } from '@/api/client'
import { shown } from '@/keys/table'
import { Tip } from '@/kit/Button'
import { Menu } from '@/kit/Menu'
import { keys } from '@/live/keys'
import { useBoard, useClient } from './board'
import { placeOf, useGo, type View } from './places'
import { useCounts } from './reads'
import { VIEW_ENTRIES, type ViewEntry } from './views'

const AT_THE_FOOT: ReadonlySet<View> = new Set(['board', 'inbox', 'graph', 'timeline'])
const [ABOVE, BELOW] = [VIEW_ENTRIES.slice(0, -2), VIEW_ENTRIES.slice(-2)]
const MORE = VIEW_ENTRIES.filter(({ view }) => !AT_THE_FOOT.has(view))

/** Where one can go; at the foot on a narrow screen, with the rest of the places under "More". */
export function Rail({ onKeys, onPalette }: { onKeys: () => void; onPalette: () => void }) {
  const { slug } = useBoard()
  const needsYou = useNeedsYou()
  const go = useGo()
  const isAt = useIsAt()
  return (
    <nav className="rail" aria-label="Views">
      <span className="logo" aria-hidden="true">
        <svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor">
          <path
            d="M2.500 2.500v11M13.500 2.500v11M2.500 8h11M6 5 2.800 8 6 11"
            strokeWidth="1.750"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
      </span>
      {ABOVE.map((entry) => (
        <Entry key={entry.view} entry={entry}>
          {entry.view === 'inbox' && needsYou > 0 && (
            <b className="dot">
              {needsYou > 99 ? '99+' : needsYou}
              <span className="hidden-words"> need you</span>
            </b>
          )}
        </Entry>
      ))}
      <span className="space" />
      <Tip text="Keys" hint="?" side="right">
        <button type="button" className="place wide" onClick={onKeys}>
          <Keyboard size={16} aria-hidden="true" />
          <span className="label">Keys</span>
        </button>
      </Tip>
      {BELOW.map((entry) => (
        <Entry key={entry.view} entry={entry} />
      ))}
      <Menu
        title="More"
        trigger={
          <button
            type="button"
            className="place narrow"
            aria-current={MORE.some(({ view }) => isAt(view)) ? 'page' : undefined}
          >
            <Ellipsis size={16} aria-hidden="true" />
            <span className="label">More</span>
          </button>
        }
        items={[
          ...MORE.map(({ view, name, Icon }) => ({
            label: name,
            icon: <Icon className="i" aria-hidden="true" />,
            onSelect: () => go(`~${placeOf(slug, view)}`),
          })),
          null,
          {
            label: 'Search and commands',
            icon: <Search className="i" aria-hidden="true" />,
            onSelect: onPalette,
          },
        ]}
      />
    </nav>
  )
}

function Entry({ entry, children }: { entry: ViewEntry; children?: React.ReactNode }) {
  const { view, name, key, Icon } = entry
  const { slug } = useBoard()
  const isAt = useIsAt()
  return (
    <Tip text={name} hint={shown(key)} side="right">
      <Link
        className={AT_THE_FOOT.has(view) ? 'place' : 'place wide'}
        href={`~${placeOf(slug, view)}`}
        aria-current={isAt(view) ? 'page' : undefined}
      >
        <span className="label">{name}</span>
        <Icon size={16} aria-hidden="true" />
        {children}
      </Link>
    </Tip>
  )
}

function useIsAt(): (view: View) => boolean {
  const [at] = useLocation()
  return (view) => (view === 'board' ? at === '/' : at === `/${view}`)
}

/** How much waits for a person, exactly: tasks, and results that came late. */
export function useNeedsYou(): number {
  const { slug } = useBoard()
  const client = useClient()
  const counts = useCounts()
  const late = useQuery({
    queryKey: keys.slow(slug, 'late'),
    queryFn: async () => held(await client.GET('/attention', { params: { query: { limit: 1 } } })),
    select: (attention) => attention.late.length,
  })
  return (counts.data?.needs_you ?? 0) + (late.data ?? 0)
}
