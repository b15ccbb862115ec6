import { type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react'
import { sentenceOf } from '@/api/problem'
import { useOpenedTask, useOpenTask } from '@/app/places'
import { useOfferSubjects } from '@/app/subjects'
import { useKeys } from '@/keys/useKeys'
import { Age } from '@/kit/Age'
import { Command } from '@/kit/Empty'
import { count } from '@/kit/numbers'
import { type Answer, useAnswering } from './answering'
import { InboxItem } from './InboxItem'
import { KeysFoot } from './InboxView'
import { idOf, nextIndex } from './items'
import { useInbox } from './useInbox'
import { useMeant } from './useMeant'
import { useStill } from './useStill'

/** What waits, the oldest first; one of them has the focus, and the keys answer that one. */
export function OpenItems({ switcher }: { switcher: ReactNode }) {
  const { items, answer, isKnown, error } = useInbox()
  const answersOf = useAnswering(answer)
  const openTask = useOpenTask()
  const drawerIsOpen = useOpenedTask() !== null
  const { index, select, list } = useSelected(items.map(idOf))
  const current = items[index]
  const { own, isMeant } = useMeant(current && idOf(current))
  const press = (one: Answer | undefined) => {
    if (one === undefined || !isMeant()) return
    own()
    one.act()
  }
  const walk = (at: number) => {
    own()
    select(at, true)
  }
  const still = useStill(items.map(idOf).join())
  const { rendered, isFull, end } = useRoom(items.length, index)
  useKeys(
    'inbox',
    {
      inboxDown: () => walk(Math.min(index + 1, items.length - 1)),
      inboxUp: () => walk(Math.max(index - 1, 0)),
      inboxOpen: () => current && openTask(current.card.id),
      answer: (_, which) => press(current && answersOf(current)[which]),
      reply: () => press(current && answersOf(current).find((one) => one.isReply)),
    },
    !drawerIsOpen,
  )
  useOfferSubjects(() => (current === undefined ? [] : [current.card.id]))
  const [first] = items
  return (
    <>
      <div className="page-head">
        <h1>Needs you</h1>
        {first !== undefined && (
          <span className="dim">
            {count(items.length)}, oldest <Age at={first.since} />
          </span>
        )}
        <span className="grow" />
        {switcher}
      </div>
      {error !== null && !isKnown && <p role="alert">{sentenceOf(error)}</p>}
      {isKnown && items.length === 0 && <NothingWaits />}
      {!isKnown && error === null && <Waiting />}
      {items.length > 0 && (
        <>
          <ul className="inbox" ref={list} aria-label="Needs you" {...still}>
            {items.slice(0, rendered).map((item, at) => (
              <InboxItem
                key={idOf(item)}
                item={item}
                answers={answersOf(item)}
                isSelected={at === index}
                onAnswer={own}
                onSelect={() => {
                  if (at !== index) own()
                  select(at, false)
                }}
                onOpen={() => openTask(item.card.id)}
              />
            ))}
          </ul>
          {!isFull && <div ref={end} />}
          <KeysFoot />
        </>
      )}
    </>
  )
}

const ROOM = 60
const AHEAD = '1200px'

/** How many items are rendered: some beyond what is in sight and beyond the one that is selected. */
function useRoom(total: number, selected: number) {
  const [room, setRoom] = useState(ROOM)
  const rendered = Math.min(Math.max(room, selected + ROOM), total)
  const end = useCallback(
    (element: HTMLDivElement) => {
      const observer = new IntersectionObserver(
        ([entry]) => entry?.isIntersecting && setRoom(rendered + ROOM),
        { rootMargin: AHEAD },
      )
      observer.observe(element)
      return () => observer.disconnect()
    },
    [rendered],
  )
  return { rendered, isFull: rendered === total, end }
}

/**
 * Which item is selected. When that one leaves, the next takes its place, with the focus if it had
 * it; the others stay where they are.
 */
function useSelected(ids: readonly string[]) {
  const [selected, setSelected] = useState<string | null>(null)
  const list = useRef<HTMLUListElement>(null)
  const last = useRef({ index: 0, hadFocus: false })
  const found = selected === null ? 0 : ids.indexOf(selected)
  const index = found >= 0 ? found : nextIndex(last.current.index, ids.length)

  const focus = useCallback((at: number) => {
    const item = list.current?.children[at]
    if (!(item instanceof HTMLElement)) return
    item.focus({ preventScroll: true })
    item.scrollIntoView({ block: 'nearest' })
  }, [])
  const select = useCallback(
    (at: number, withFocus: boolean) => {
      const id = ids[at]
      if (id === undefined) return
      setSelected(id)
      if (withFocus) focus(at)
    },
    [ids, focus],
  )

  const left = selected !== null && found < 0
  useLayoutEffect(() => {
    if (left) {
      setSelected(ids[index] ?? null)
      if (last.current.hadFocus) whenLost(() => focus(last.current.index))
    }
    last.current.index = index
  })
  useEffect(() => {
    const note = ({ target }: FocusEvent) => {
      // What opens over the page has the focus for a while, and gives it back.
      if (target instanceof Element && target.closest(OVER) !== null) return
      last.current.hadFocus = list.current?.contains(document.activeElement) ?? false
    }
    document.addEventListener('focusin', note)
    return () => document.removeEventListener('focusin', note)
  }, [])
  return { index, select, list }
}

const OVER = '[role=dialog], [role=alertdialog], [role=menu]'
const LOOK_MILLISECONDS = 30
const LOOKS = 20

/** Calls `act` as soon as nothing has the focus; a form that closes has it for a moment yet. */
function whenLost(act: () => void): void {
  let looks = 0
  const look = () => {
    const at = document.activeElement
    looks += 1
    if (at === null || at === document.body) act()
    else if (at.closest(OVER) !== null && looks < LOOKS) setTimeout(look, LOOK_MILLISECONDS)
  }
  look()
}

function NothingWaits() {
  return (
    <div className="inbox-empty">
      <h2>Nothing needs you</h2>
      <p>
        Questions, reviews, tasks that were given up and late results come here, with the buttons
        that answer them. This asks a question about a task:
      </p>
      <Command text='hermes-kanban block TASK "30 or 90 days?"' />
    </div>
  )
}

/** As high as the items will be, shown only where they take their time. */
function Waiting() {
  return (
    <ul className="inbox" aria-busy="true" aria-label="Needs you">
      {[0, 1, 2].map((one) => (
        <li key={one} className="inbox-item">
          <span className="skeleton inbox-skeleton" />
        </li>
      ))}
    </ul>
  )
}
