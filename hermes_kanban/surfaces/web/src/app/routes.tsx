/** The views of a board, each loaded when it is first opened. */

import { type ComponentType, lazy } from 'react'
import { BoardView } from '@/board/BoardView'

/** The path of each view below its board. */
export const ROUTES: readonly { path: string; Page: ComponentType }[] = [
  { path: '/', Page: BoardView },
  { path: '/graph', Page: lazy(() => import('@/graph/GraphView')) },
  { path: '/timeline', Page: lazy(() => import('@/timeline/TimelineView')) },
  { path: '/inbox', Page: lazy(() => import('@/inbox/InboxView')) },
  { path: '/t/:id', Page: lazy(() => import('@/task/TaskPage')) },
  { path: '/metrics', Page: lazy(() => import('@/metrics/MetricsView')) },
  { path: '/past', Page: lazy(() => import('@/past/PastView')) },
  { path: '/health', Page: lazy(() => import('@/health/HealthView')) },
  { path: '/profiles', Page: lazy(() => import('@/profiles/ProfilesView')) },
  { path: '/notifications', Page: lazy(() => import('@/notifications/NotificationsView')) },
  { path: '/settings', Page: lazy(() => import('@/settings/SettingsView')) },
]

/** The task that is open over a view. */
export const DRAWER = lazy(() => import('@/task/TaskDrawer'))
