/** The views of a board: their names, their icons and the keys that lead to them, each once. */

import {
  Activity,
  Bell,
  ChartNoAxesColumn,
  GanttChart,
  History,
  Inbox,
  type LucideIcon,
  SlidersHorizontal,
  SquareKanban,
  Users,
  Waypoints,
} from 'lucide-react'
import type { KeyId } from '@/keys/table'
import type { View } from './places'

export interface ViewEntry {
  view: View
  name: string
  /** What its page calls itself, where that is more. */
  heading?: string
  /** The key that goes there; its words are those of the palette. */
  key: KeyId
  Icon: LucideIcon
}

/** In the order of the rail. */
export const VIEW_ENTRIES: readonly ViewEntry[] = [
  { view: 'board', name: 'Board', key: 'goBoard', Icon: SquareKanban },
  { view: 'inbox', name: 'Inbox', heading: 'Needs you', key: 'goInbox', Icon: Inbox },
  { view: 'graph', name: 'Graph', key: 'goGraph', Icon: Waypoints },
  { view: 'timeline', name: 'Timeline', key: 'goTimeline', Icon: GanttChart },
  { view: 'metrics', name: 'Metrics', key: 'goMetrics', Icon: ChartNoAxesColumn },
  { view: 'health', name: 'Health', key: 'goHealth', Icon: Activity },
  { view: 'profiles', name: 'Profiles', key: 'goProfiles', Icon: Users },
  { view: 'past', name: 'Past', key: 'goPast', Icon: History },
  { view: 'notifications', name: 'Notifications', key: 'goNotifications', Icon: Bell },
  { view: 'settings', name: 'Settings', key: 'goSettings', Icon: SlidersHorizontal },
]
