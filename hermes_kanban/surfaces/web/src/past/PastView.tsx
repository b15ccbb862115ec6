import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useRef, useState } from 'react'
import { useSearchParams } from 'wouter'
import { sentenceOf } from '@/api/problem'
import { useClient } from '@/app/board'
import { useOpenedTask } from '@/app/places'
import { shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Button, IconButton } from '@/kit/Button'
import { Empty } from '@/kit/Empty'
import { Segments } from '@/kit/Segments'
import { absolute, age, clockTime } from '@/kit/time'
import { toastProblem } from '@/kit/toasts'
import { serverNow, useNow } from '@/live/clock'
import { Changes } from './Changes'
import { eventAfter, type PastBoard, useMoments, useNewest, usePast } from './data'
import { atOf, startOf, type Window, withAt } from './moment'
import { PastColumns } from './PastColumns'
import { PastTaskPanel } from './PastTaskPanel'
import { Slider } from './Slider'
import './past.css'

const NO_TIMES: readonly number[] = []
const WINDOW_NAMES: readonly { value: Window; label: string }[] = [
  { value: 'all', label: 'All' },
  { value: 'week', label: 'Week' },
  { value: 'day', label: 'Day' },
  { value: 'hour', label: 'Hour' },
]

/** The board as it was at `?at=`, to look at only; and what has changed since. */
export default function PastView() {
  const [search, setSearch] = useSearchParams()
  const now = useNow(10)
  const at = atOf(search, now)
  const newest = useNewest()
  const past = usePast(at !== null ? { at } : newest === undefined ? undefined : { event: newest })
  const times = useMoments(newest).data ?? NO_TIMES
  const [window, setWindow] = useState<Window>('all')
  const view = search.get('view') === 'changes' ? 'changes' : 'board'
  const was = search.get('was')
  const set = (name: string, value: string | null) =>
    setSearch((before) => {
      const next = new URLSearchParams(before)
      if (value === null) next.delete(name)
      else next.set(name, value)
      return next
    })
  const onAt = (next: number | null) => setSearch((before) => withAt(before, next))
  const onStep = useStep(past.data, at, !past.isPlaceholderData, onAt)
  const showView = (next: string) => set('view', next === 'board' ? null : next)
  useKeys(
    'past',
    {
      pastBefore: () => onStep(-1),
      pastAfter: () => onStep(1),
      pastNow: () => onAt(null),
      pastChanges: () => showView(view === 'board' ? 'changes' : 'board'),
    },
    useOpenedTask() === null,
  )
  const board = past.data
  const first = board?.firstAt ?? null
  // While another moment is read the slider stays as wide as it was.
  const begun = useRef<number | null>(null)
  if (first !== null) begun.current = first
  if (board !== undefined && first === null) {
    return (
      <Empty title="This board has no past yet" command='hermes-kanban create "First task"'>
        <p>
          Every change is kept. When there are some, the board can be seen as it was at any time.
        </p>
      </Empty>
    )
  }
  return (
    <div className="view past">
      <h1 className="hidden-words">Past</h1>
      <div className="view-bar">
        <IconButton name="The event before" hint={shown('pastBefore')} onClick={() => onStep(-1)}>
          <ChevronLeft className="i" aria-hidden="true" />
        </IconButton>
        <Slider
          start={startOf(window, at, begun.current ?? now - 1, now)}
          disabled={begun.current === null}
          now={now}
          at={at}
          times={times}
          onAt={onAt}
          onStep={onStep}
        />
        <IconButton
          name="The event after"
          hint={shown('pastAfter')}
          disabled={at === null}
          onClick={() => onStep(1)}
        >
          <ChevronRight className="i" aria-hidden="true" />
        </IconButton>
        <Button hint={shown('pastNow')} disabled={at === null} onClick={() => onAt(null)}>
          Now
        </Button>
        <Segments label="Reach" value={window} options={WINDOW_NAMES} onChange={setWindow} />
      </div>
      <div className="past-told">
        <AsOf at={at} now={now} board={board} />
        <span className="grow" />
        <Segments
          label="Show"
          value={view}
          options={[
            { value: 'board', label: 'Board' },
            { value: 'changes', label: 'Changed since' },
          ]}
          onChange={showView}
        />
      </div>
      {past.isError ? (
        <p className="past-said">{sentenceOf(past.error)}</p>
      ) : board === undefined ? (
        <div className="view-waits" aria-busy="true" />
      ) : (
        <div className="past-room">
          {view === 'changes' ? (
            <Changes from={board.moment.event_id} to={newest ?? board.moment.event_id} now={now} />
          ) : (
            <PastColumns board={board} at={at ?? now} onOpen={(id) => set('was', id)} />
          )}
          {was !== null && (
            <PastTaskPanel
              id={was}
              event={board.moment.event_id}
              now={now}
              onClose={() => set('was', null)}
            />
          )}
        </div>
      )}
    </div>
  )
}

function AsOf(props: { at: number | null; now: number; board: PastBoard | undefined }) {
  const { at, now, board } = props
  if (at === null) return <p role="status">The board as it is now. Move the slider to go back.</p>
  const last = board?.moment
  const event =
    last === undefined || last.event_at === null
      ? ''
      : `, after event ${last.event_id} of ${clockTime(last.event_at, now)}`
  return (
    <p role="status">
      <b title={absolute(at)}>As of {clockTime(at, now)}</b>, {age(now - at)} ago
      <span className="dim">{event}</span>
    </p>
  )
}

/** To the moment of the event before or after the one that is shown. */
function useStep(
  board: PastBoard | undefined,
  at: number | null,
  isFresh: boolean,
  onAt: (at: number | null) => void,
) {
  const client = useClient()
  return (direction: -1 | 1) => {
    if (board === undefined) return
    const { event_id, event_at } = board.moment
    if (direction < 0) {
      if (event_id === 0 || event_at === null) return
      // What is shown is older than what is asked for: on from there, a second at a time.
      if (!isFresh && at !== null) onAt(at - 1)
      // A moment is a second: what happened in the same one belongs to it.
      else onAt(at === event_at ? event_at - 1 : event_at)
      return
    }
    if (!isFresh) return
    eventAfter(client, event_id).then(
      (next) => onAt(next === null || next >= serverNow() ? null : next),
      (error: unknown) => toastProblem(error),
    )
  }
}
