/** What the palette can do besides opening tasks. */

import {
  BellPlus,
  CirclePause,
  CirclePlay,
  Contrast,
  DollarSign,
  Keyboard,
  ListFilter,
  LogOut,
  Pause,
  Play,
  Plus,
  Rows3,
  SquareKanban,
  Undo2,
} from 'lucide-react'
import { useActions } from '@/actions/useActions'
import { useBoard } from '@/app/board'
import { useSeveralHosts } from '@/app/hosts'
import { logOut } from '@/app/leaving'
import { useNewTask } from '@/app/newTask'
import { useNotify } from '@/app/notify'
import { placeOf, useGo } from '@/app/places'
import { prefer, usePreferences } from '@/app/preferences'
import { useHealth } from '@/app/reads'
import { SKINS } from '@/app/skins'
import { VIEW_ENTRIES } from '@/app/views'
import { KEYS } from '@/keys/table'
import { toastProblem } from '@/kit/toasts'
import { boxes, type Command, icon } from './command'

/** Where one can go: views, boards, and views that were saved. */
export function usePlaceCommands(): Command[] {
  const { slug, boards } = useBoard()
  const { views } = usePreferences()
  const go = useGo()
  return [
    ...VIEW_ENTRIES.map(({ view, key, Icon }) => ({
      id: `view ${view}`,
      label: KEYS[key].words,
      icon: icon(Icon),
      keys: boxes(key),
      run: () => go(`~${placeOf(slug, view)}`),
    })),
    ...(views[slug] ?? []).map((view) => ({
      id: `saved ${view.name}`,
      label: `View: ${view.name}`,
      icon: icon(ListFilter),
      run: () => go(`~${placeOf(slug)}?${view.search.replace(/^\?/, '')}`),
    })),
    ...boards
      .filter((one) => one.slug !== slug && one.board !== null)
      .map((one) => ({
        id: `board ${one.slug}`,
        label: `Board: ${one.board?.name || one.slug}`,
        also: `switch ${one.slug}`,
        icon: icon(SquareKanban),
        run: () => go(`~${placeOf(one.slug)}`),
      })),
  ]
}

/** What concerns the board or this browser. */
export function useBoardCommands(open: { keys: () => void; board: () => void }): Command[] {
  const actions = useActions()
  const newTask = useNewTask()
  const notify = useNotify()
  const paused = useHealth().data?.paused_at != null
  const hosts = useSeveralHosts()
  const chosen = usePreferences()
  const compact = chosen.density === 'compact'
  return [
    {
      id: 'new',
      label: 'New task',
      also: 'create file',
      icon: icon(Plus),
      keys: boxes('newTask'),
      run: () => newTask(),
    },
    {
      id: 'undo',
      label: 'Undo my last change',
      icon: icon(Undo2),
      keys: boxes('undo'),
      run: () => void actions.undo(),
    },
    {
      id: 'notify',
      label: 'New subscription…',
      also: 'notify bell tell message',
      icon: icon(BellPlus),
      run: () => notify(),
    },
    {
      id: 'pause',
      label: paused ? 'Resume the board' : 'Pause the board: start nothing new',
      icon: icon(paused ? Play : Pause),
      run: () => void (paused ? actions.resume() : actions.pause()),
    },
    ...hosts.map((host) => ({
      id: `host ${host.host_id}`,
      label: host.state === 'draining' ? `Resume host ${host.name}` : `Drain host ${host.name}`,
      also: 'host machine drain resume',
      icon: icon(host.state === 'draining' ? CirclePlay : CirclePause),
      run: () =>
        void (host.state === 'draining' ? actions.resumeHost(host) : actions.drainHost(host)),
    })),
    { id: 'new board', label: 'New board', also: 'create', icon: icon(Plus), run: open.board },
    ...(['system', 'light', 'dark'] as const)
      .filter((theme) => theme !== chosen.theme)
      .map((theme) => ({
        id: `theme ${theme}`,
        label:
          theme === 'system'
            ? "The system's theme"
            : `${theme === 'dark' ? 'Dark' : 'Light'} theme`,
        also: 'colour mode',
        icon: icon(Contrast),
        run: () => prefer({ theme }),
      })),
    ...SKINS.filter((skin) => skin.value !== chosen.skin).map((skin) => ({
      id: `skin ${skin.value}`,
      label: `${skin.label} colours`,
      also: 'theme skin',
      icon: icon(Contrast),
      run: () => prefer({ skin: skin.value }),
    })),
    {
      id: 'density',
      label: compact ? 'Regular cards' : 'Compact cards',
      also: 'density',
      icon: icon(Rows3),
      run: () => prefer({ density: compact ? 'regular' : 'compact' }),
    },
    {
      id: 'cost',
      label: chosen.showCost ? 'Hide the cost on cards' : 'Show the cost on cards',
      icon: icon(DollarSign),
      run: () => prefer({ showCost: !chosen.showCost }),
    },
    {
      id: 'keys',
      label: 'All keys',
      also: 'shortcuts help',
      icon: icon(Keyboard),
      keys: boxes('allKeys'),
      run: open.keys,
    },
    {
      id: 'log out',
      label: 'Log out',
      also: 'sign out session',
      icon: icon(LogOut),
      run: () => void logOut().catch((error: unknown) => toastProblem(error, 'Not logged out.')),
    },
  ]
}

/** What starts from the text that was typed, whatever it is. */
export function useTextCommands(typed: string): Command[] {
  const { slug } = useBoard()
  const newTask = useNewTask()
  const go = useGo()
  const text = typed.trim()
  if (text === '') return []
  return [
    {
      id: 'new with',
      label: `New task “${text}”`,
      icon: icon(Plus),
      keys: boxes('newTask'),
      run: () => newTask({ title: text }),
    },
    {
      id: 'search',
      label: `Show “${text}” on the board`,
      icon: icon(ListFilter),
      keys: [...boxes('palette').slice(0, 1), 'Enter'],
      run: () => go(`~${placeOf(slug)}?${new URLSearchParams({ q: text })}`),
    },
  ]
}
