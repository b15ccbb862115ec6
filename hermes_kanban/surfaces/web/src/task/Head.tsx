import { Bell, BellRing, ChevronDown, ChevronUp, Ellipsis, Maximize2, X } from 'lucide-react'
import { Link } from 'wouter'
import { useActions, useMenus } from '@/actions/useActions'
import { useBoard } from '@/app/board'
import { useNotify } from '@/app/notify'
import { placeOf } from '@/app/places'
import { shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Button, IconButton } from '@/kit/Button'
import { Menu, type MenuItem } from '@/kit/Menu'
import { statusName } from '@/kit/sentences'
import { useOffline } from '@/live/connection'
import { useSubscriptionsOf } from '@/notifications/reading'
import { focusComposer } from './Composer'
import { useTask } from './context'
import { firstVerb, type Verb, verbsOf } from './verbs'
import { usePlace } from './walk'

/** Where this is, and what can be done with it now. */
export function Head(props: {
  onClose: () => void
  onPage: (() => void) | null
  onShow: (id: string) => void
}) {
  const { slug, name } = useBoard()
  const { id, detail, verbs, may, inDrawer } = useTask()
  const actions = useActions()
  const menus = useMenus()
  const offline = useOffline()
  const notify = useNotify()
  const { task } = detail
  const place = usePlace(id, task.status)
  const legal = verbsOf(verbs)
  const first = firstVerb(task.status, verbs)
  const act = (verb: Verb) => void verb.act(task, actions, menus)
  const byKey = Object.fromEntries(
    legal.flatMap((verb) => (verb.key === undefined ? [] : [[verb.key, () => act(verb)]])),
  )
  const go = (other: string | null | undefined) => other != null && props.onShow(other)
  useKeys('task', {
    ...byKey,
    move: () => void menus.move([task]),
    notify: () => notify(id),
    copyLink: () => menus.copyLink([task]),
    ...(inDrawer
      ? { nextTask: () => go(place?.next), previousTask: () => go(place?.previous) }
      : {}),
  })
  return (
    <header className="task-head">
      <IconButton name={inDrawer ? 'Close' : 'Back'} hint={shown('back')} onClick={props.onClose}>
        <X className="i" />
      </IconButton>
      <p className="task-crumbs">
        <Link className="dim" href={`~${placeOf(slug)}`}>
          {name}
        </Link>
        <span className="dim">/</span>
        <span>{id}</span>
      </p>
      {place !== null && (
        <>
          <span className="dim task-walk">
            {place.at} of {place.of} in {statusName(task.status)}
          </span>
          {inDrawer && (
            <span className="task-walk">
              <IconButton
                name="Previous"
                hint={shown('previousTask')}
                small
                disabled={place.previous === null}
                onClick={() => go(place.previous)}
              >
                <ChevronUp className="i" />
              </IconButton>
              <IconButton
                name="Next"
                hint={shown('nextTask')}
                small
                disabled={place.next === null}
                onClick={() => go(place.next)}
              >
                <ChevronDown className="i" />
              </IconButton>
            </span>
          )}
        </>
      )}
      <span className="grow" />
      {may('comment') && (
        <Button className="task-head-comment" hint={shown('comment')} onClick={focusComposer}>
          Comment
        </Button>
      )}
      {first !== undefined && (
        <Button
          disabled={offline !== null}
          title={offline ?? undefined}
          hint={first.key && shown(first.key)}
          onClick={() => act(first)}
        >
          {first.label}
        </Button>
      )}
      <NotifyBell id={id} onPress={() => notify(id)} />
      {props.onPage !== null && (
        <IconButton
          name="Open as a page"
          hint={shown('asPage')}
          className="task-as-page"
          onClick={props.onPage}
        >
          <Maximize2 className="i" />
        </IconButton>
      )}
      <Menu
        trigger={
          <IconButton name="More actions">
            <Ellipsis className="i" />
          </IconButton>
        }
        items={menuOf(legal, first, act, offline, {
          move: () => void menus.move([task]),
          notify: () => notify(id),
          copy: () => menus.copyLink([task]),
        })}
      />
    </header>
  )
}

/** Opens the form for a subscription; it rings where somebody hears of the task already. */
function NotifyBell({ id, onPress }: { id: string; onPress: () => void }) {
  const offline = useOffline()
  const told = useSubscriptionsOf(id).data?.length ?? 0
  return (
    <IconButton
      name={told === 0 ? 'Notify…' : `Notify… (${told} hear of it)`}
      hint={shown('notify')}
      className="task-bell"
      disabled={offline !== null}
      onClick={onPress}
    >
      {told === 0 ? <Bell className="i" /> : <BellRing className="i" />}
    </IconButton>
  )
}

function menuOf(
  legal: readonly Verb[],
  first: Verb | undefined,
  act: (verb: Verb) => void,
  offline: string | null,
  also: { move: () => void; notify: () => void; copy: () => void },
): (MenuItem | null)[] {
  const ofVerbs = legal
    .filter((verb) => verb !== first)
    .map((verb) => ({
      label: verb.label,
      hint: verb.key && shown(verb.key),
      whyNot: offline,
      onSelect: () => act(verb),
    }))
  return [
    { label: 'Move…', hint: shown('move'), whyNot: offline, onSelect: also.move },
    ...ofVerbs,
    null,
    { label: 'Notify…', hint: shown('notify'), whyNot: offline, onSelect: also.notify },
    { label: 'Copy link', hint: shown('copyLink'), onSelect: also.copy },
  ]
}
