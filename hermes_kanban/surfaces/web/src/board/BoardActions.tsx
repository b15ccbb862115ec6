import { useQueryClient } from '@tanstack/react-query'
import { X } from 'lucide-react'
import type { Menus } from '@/actions/menus'
import type { Subjects } from '@/actions/subject'
import { subjectsOf } from '@/actions/subjects'
import { useMenus } from '@/actions/useActions'
import type { Status } from '@/api/types'
import { useNewTask } from '@/app/newTask'
import { useNotify } from '@/app/notify'
import { useOpenedTask } from '@/app/places'
import { useOfferSubjects } from '@/app/subjects'
import { writeIn } from '@/create/inline'
import { type KeyId, shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Button, IconButton } from '@/kit/Button'
import { toast, toastProblem } from '@/kit/toasts'
import { isMedia, NARROW } from '@/kit/useMedia'
import { useOffline } from '@/live/connection'
import { useView } from './context'
import { columnsOf } from './filter'
import { cardElement, focusCard } from './focus'
import { columnIds, firstCard, type Grid, listOf } from './grid'
import { clearSelection, focusedId, selectedIds, useSelected } from './selection'
import './bulk.css'

type Verb = Exclude<keyof Menus, 'copyLink'>

const VERBS = [
  { verb: 'assign', name: 'Assign' },
  { verb: 'priority', name: 'Priority' },
  { verb: 'move', name: 'Move' },
  { verb: 'block', name: 'Block' },
  { verb: 'archive', name: 'Archive' },
] as const satisfies readonly { verb: Verb & KeyId; name: string }[]

/** The keys that change cards, and the bar of the selection: both do the same. */
export function BoardActions() {
  const { slug, grid, filter } = useView()
  const client = useQueryClient()
  const menus = useMenus()
  const newTask = useNewTask()
  const notify = useNotify()
  const opened = useOpenedTask()
  const columns = columnsOf(filter)

  /** What is acted on: the selection, else the card that has the focus; else it gets the focus. */
  const onTargets = async (act: (subjects: Subjects) => Promise<boolean>) => {
    const selected = selectedIds()
    const focused = focusedCard()
    if (selected.length === 0 && focused === null) {
      const first = focusedId() ?? firstCard(grid.lists(), columns)
      if (first !== null) focusCard(grid, first)
      return
    }
    const back = wayBack(grid, focused)
    // The card goes at once, and the focus with it: the next key need not wait for the server.
    const unwatch = grid.watch(() => back(true))
    try {
      const done = await act(
        await subjectsOf(
          client,
          slug,
          focused !== null && selected.length === 0 ? [focused] : selected,
        ),
      )
      if (done === true && selected.length > 0) clearSelection()
    } catch (error) {
      toastProblem(error)
    }
    unwatch()
    back()
  }
  useOfferSubjects(() => {
    const selected = selectedIds()
    const focused = focusedCard()
    return selected.length > 0 || focused === null ? selected : [focused]
  })
  const by = (verb: Verb) => () => void onTargets(menus[verb])
  useKeys(
    'board',
    {
      assign: by('assign'),
      priority: by('priority'),
      move: by('move'),
      block: by('block'),
      unblock: by('unblock'),
      comment: by('comment'),
      archive: by('archive'),
      reclaim: by('reclaim'),
      notify: () =>
        void onTargets(async ([first, ...others]) => {
          if (others.length > 0) toast('Notify of one task at a time.')
          else if (first !== undefined) notify(first.id)
          return false
        }),
      copyLink: () => void onTargets(async (subjects) => menus.copyLink(subjects)),
      newTask: () => {
        const column = columnFor(grid, columns)
        if (column === null || isMedia(NARROW) || !writeIn(column)) newTask()
      },
    },
    opened === null,
  )
  return <BulkBar onVerb={(verb) => by(verb)()} />
}

/** How many cards are selected, and what can be done with all of them. */
function BulkBar({ onVerb }: { onVerb: (verb: Verb) => void }) {
  const count = useSelected().size
  const offline = useOffline()
  if (count === 0) return null
  return (
    <section className="bulk" aria-label="Selection">
      <b className="bulk-count" aria-live="polite">
        {count} selected
      </b>
      <span className="bulk-verbs">
        {VERBS.map(({ verb, name }) => (
          <Button
            key={verb}
            look="quiet"
            hint={shown(verb)}
            disabled={offline !== null}
            title={offline ?? undefined}
            onClick={() => onVerb(verb)}
          >
            {name}
          </Button>
        ))}
      </span>
      <IconButton name="Clear the selection" hint={shown('back')} onClick={clearSelection}>
        <X className="i" />
      </IconButton>
    </section>
  )
}

/** The card in which the focus is. */
function focusedCard(): string | null {
  const card = document.activeElement?.closest<HTMLElement>('[data-card]')
  return card?.dataset.card ?? null
}

/** Gives the focus back to the card, to where it went, or to its neighbour; if nothing has it. */
function wayBack(grid: Grid, id: string | null): (onlyItself?: boolean) => void {
  if (id === null) return () => undefined
  const list = listOf(grid.lists(), id)
  const ids = list === undefined ? [] : columnIds(grid.lists(), list.column)
  const at = ids.indexOf(id)
  const around = [id, ...ids.slice(at + 1), ...ids.slice(0, Math.max(0, at)).reverse()]
  return (onlyItself = false) => {
    const has = document.activeElement
    if (has !== null && has !== document.body && has !== cardElement(id)) return
    const wanted = onlyItself ? [id] : around
    const found = wanted.find((one) => listOf(grid.lists(), one) !== undefined)
    if (found !== undefined) focusCard(grid, found)
  }
}

/** Where a new task is written: where the focus is, else where the board takes it from. */
function columnFor(grid: Grid, columns: readonly Status[]): Status | null {
  const focused = focusedCard()
  const list = focused === null ? undefined : listOf(grid.lists(), focused)
  const column = (list?.column as Status | undefined) ?? 'ready'
  return columns.includes(column) ? column : null
}
