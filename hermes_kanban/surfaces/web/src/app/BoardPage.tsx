import { lazy, useEffect, useMemo, useState } from 'react'
import { Route, Switch, useLocation, useSearchParams } from 'wouter'
import { Asking } from '@/actions/Asking'
import type { ListedBoard } from '@/api/types'
import { Empty } from '@/kit/Empty'
import { useLiveBoard } from '@/live/board'
import { BoardContext, type Shown } from './board'
import { Loaded } from './Loaded'
import { NOTIFY_PARAM } from './notify'
import { prefer } from './preferences'
import { DRAWER, ROUTES } from './routes'
import { Shell } from './Shell'

const NEW_TASK = lazy(() => import('@/create/NewTask'))
const SUBSCRIBE = lazy(() => import('@/notifications/SubscribeForm'))

/** One board: the shell around its views, and the drawer over them. */
export function BoardPage(props: {
  listed: ListedBoard
  view: NonNullable<ListedBoard['board']>
  boards: ListedBoard[]
  actor: string
}) {
  const { slug } = props.listed
  const [start] = useState({ boardId: props.view.board_id, cursor: props.view.cursor })
  const told = useLiveBoard(slug, start)
  const gateway = told === undefined ? props.listed.gateway : told
  useEffect(() => {
    prefer({ lastBoard: slug })
    document.title = `${props.view.name || slug} · hermes-kanban`
  }, [slug, props.view.name])
  const shown: Shown = useMemo(
    () => ({
      slug,
      name: props.view.name || slug,
      gateway,
      boards: props.boards,
      actor: props.actor,
    }),
    [slug, props.view.name, gateway, props.boards, props.actor],
  )
  const [search] = useSearchParams()
  const opened = search.get('task')
  // The tasks that have a page of their own are one view.
  const view = useLocation()[0].split('/', 2).join('/')
  return (
    <BoardContext value={shown}>
      <Shell>
        <Loaded of={view}>
          <Switch>
            {ROUTES.map(({ path, Page }) => (
              <Route key={path} path={path} component={Page} />
            ))}
            <Route>
              <Empty title="Nothing is at this address" />
            </Route>
          </Switch>
        </Loaded>
        {opened !== null && (
          <Loaded of="task">
            <DRAWER id={opened} />
          </Loaded>
        )}
      </Shell>
      <Asking />
      {search.has('new') && (
        <Loaded of="new task">
          <NEW_TASK />
        </Loaded>
      )}
      {search.has(NOTIFY_PARAM) && (
        <Loaded of="subscription">
          <SUBSCRIBE />
        </Loaded>
      )}
    </BoardContext>
  )
}
