/** What the palette can do besides opening tasks. */

import {
  Activity,
  Archive,
  ArrowRightLeft,
  Ban,
  ChartNoAxesColumn,
  CircleCheck,
  Contrast,
  Copy,
  DollarSign,
  Eye,
  GanttChart,
  History,
  Inbox,
  Keyboard,
  ListFilter,
  LogOut,
  MessageSquare,
  Pause,
  Play,
  Plus,
  Rows3,
  Signal,
  SlidersHorizontal,
  Square,
  SquareKanban,
  Undo2,
  UserRound,
  Users,
  Waypoints,
} from 'lucide-react'
import { useActions, useMenus } from '@/actions/useActions'
import type { Card } from '@/api/types'
import { useBoard } from '@/app/board'
import { logOut } from '@/app/leaving'
import { useNewTask } from '@/app/newTask'
import { placeOf, useGo, useOpenTask, type View } from '@/app/places'
import { prefer, usePreferences } from '@/app/preferences'
import { useHealth } from '@/app/reads'
import { SKINS } from '@/app/skins'
import { type KeyId, shown } from '@/keys/table'
import { toastProblem } from '@/kit/toasts'
import type { Command, Group } from './command'

const VIEWS: readonly [View, string, KeyId, typeof Inbox][] = [
  ['board', 'Go to the board', 'goBoard', SquareKanban],
  ['inbox', 'Go to what needs you', 'goInbox', Inbox],
  ['graph', 'Go to the graph', 'goGraph', Waypoints],
  ['timeline', 'Go to the timeline', 'goTimeline', GanttChart],
  ['metrics', 'Go to metrics', 'goMetrics', ChartNoAxesColumn],
  ['health', 'Go to health', 'goHealth', Activity],
  ['profiles', 'Go to profiles', 'goProfiles', Users],
  ['past', 'Go to the past', 'goPast', History],
  ['settings', 'Go to settings', 'goSettings', SlidersHorizontal],
]

const boxes = (id: KeyId) => shown(id).split(' ')
const icon = (Icon: typeof Inbox) => <Icon className="i" aria-hidden="true" />

/** Where one can go: views, boards, and views that were saved. */
export function usePlaceCommands(): Command[] {
  const { slug, boards } = useBoard()
  const { views } = usePreferences()
  const go = useGo()
  return [
    ...VIEWS.map(([view, label, key, Icon]) => ({
      id: `view ${view}`,
      label,
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
  const paused = useHealth().data?.paused_at != null
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
      id: 'pause',
      label: paused ? 'Resume the board' : 'Pause the board: start nothing new',
      icon: icon(paused ? Play : Pause),
      run: () => void (paused ? actions.resume() : actions.pause()),
    },
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

/**
 * What can be done with tasks. `verbs` are those that the server allows on a single one; of several
 * it says with each verb which it refuses.
 */
export function useTaskCommands(
  cards: readonly Card[],
  verbs: readonly string[] | undefined,
): Group | null {
  const menus = useMenus()
  const actions = useActions()
  const openTask = useOpenTask()
  const [first] = cards
  if (first === undefined) return null
  const single = cards.length === 1
  const agent = first.assignee ?? 'its agent'
  const all: (Command & { verb?: string })[] = [
    ...(single
      ? [{ id: 'open', label: 'Open', icon: icon(Eye), run: () => openTask(first.id) }]
      : []),
    {
      id: 'approve',
      verb: 'approve',
      label: 'Approve',
      icon: icon(CircleCheck),
      run: () => void actions.approve(cards),
    },
    {
      id: 'changes',
      verb: 'request_changes',
      label: 'Request changes…',
      icon: icon(MessageSquare),
      run: () => void actions.requestChanges(cards),
    },
    {
      id: 'unblock',
      verb: 'unblock',
      label: 'Unblock with an answer…',
      also: 'reply retry',
      icon: icon(Play),
      keys: boxes('unblock'),
      run: () => void menus.unblock(cards),
    },
    {
      id: 'comment',
      verb: 'comment',
      label: first.status === 'running' && single ? `Message ${agent}…` : 'Comment…',
      also: 'reply',
      icon: icon(MessageSquare),
      keys: boxes('comment'),
      run: () => void menus.comment(cards),
    },
    {
      id: 'assign',
      verb: 'assign',
      label: 'Assign to…',
      icon: icon(UserRound),
      keys: boxes('assign'),
      run: () => void menus.assign(cards),
    },
    {
      id: 'move',
      label: 'Move to…',
      also: 'status column',
      icon: icon(ArrowRightLeft),
      keys: boxes('move'),
      run: () => void menus.move(cards),
    },
    {
      id: 'priority',
      verb: 'prioritise',
      label: 'Priority…',
      icon: icon(Signal),
      keys: boxes('priority'),
      run: () => void menus.priority(cards),
    },
    {
      id: 'block',
      verb: 'block',
      label: 'Block…',
      icon: icon(Ban),
      keys: boxes('block'),
      run: () => void menus.block(cards),
    },
    {
      id: 'reclaim',
      verb: 'reclaim',
      label: 'Reclaim: stop this run and make it ready',
      icon: icon(Square),
      keys: boxes('reclaim'),
      run: () => void menus.reclaim(cards),
    },
    {
      id: 'archive',
      verb: 'archive',
      label: 'Archive',
      icon: icon(Archive),
      keys: boxes('archive'),
      run: () => void menus.archive(cards),
    },
    {
      id: 'copy',
      label: single ? 'Copy link' : 'Copy links',
      icon: icon(Copy),
      keys: boxes('copyLink'),
      run: () => menus.copyLink(cards),
    },
  ]
  const may = (verb: string | undefined) =>
    verb === undefined || verbs === undefined || verbs.includes(verb)
  return {
    title: single ? `On ${first.id} ${first.title}` : `On ${cards.length} selected tasks`,
    commands: all.filter((one) => may(one.verb)).map((one) => ({ ...one, id: `task ${one.id}` })),
  }
}
