import { type ComponentProps, memo, useId, useLayoutEffect, useRef, useState } from 'react'
import { PendingRing } from '@/actions/PendingRing'
import { priorityWord } from '@/actions/priorities'
import { usePending } from '@/actions/usePending'
import { type Card as CardData, statusOf } from '@/api/types'
import { taskPlace } from '@/app/places'
import { Age } from '@/kit/Age'
import { Priority } from '@/kit/Priority'
import { isForBrowser } from '@/kit/pressed'
import { COARSE, isMedia } from '@/kit/useMedia'
import { CardAnswers } from './CardAnswers'
import { CardFoot, CompactFoot } from './CardFoot'
import { useView } from './context'
import { LiveLine } from './LiveLine'
import { setFocused, toggle, useIsSelected, useIsSelecting, useIsStop } from './selection'
import { WhyBox, WhyMark } from './WhyBox'
import { hasJustCome, useWhereabouts } from './whereabouts'
import { STATE_WORDS } from './words'
import './card.css'

interface Props extends Omit<ComponentProps<'article'>, 'children' | 'ref'> {
  card: CardData
  /** The column that it left: it keeps its place there while the pointer or the focus is near. */
  gone?: string
}

const PRESS_MILLISECONDS = 450
const CONTROLS = 'a, button, input, textarea, label, [contenteditable]'

/** One task at a glance. What else is passed goes to its element, which is what has the focus. */
export const Card = memo(function Card({ card, gone, ...rest }: Props) {
  const view = useView()
  const isStop = useIsStop(card.id)
  const isSelected = useIsSelected(card.id)
  const isSelecting = useIsSelecting()
  const isPending = usePending(card.id)?.slow === true
  const press = useLongPress(() => toggle(card.id))
  const status = statusOf(card)
  const stop = isStop && gone === undefined ? 0 : -1
  const element = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    // Its buttons cannot be pressed any more; whoever was on one stays on the card.
    const at = document.activeElement
    if (gone !== undefined && at !== element.current && element.current?.contains(at)) {
      element.current.focus({ preventScroll: true })
    }
  }, [gone])
  const where = useWhereabouts(card.id, gone)
  const [isNew] = useState(() => hasJustCome(card.id))
  const titleId = useId()
  const classes = ['card', status]
  if (isSelected) classes.push('is-selected')
  if (gone !== undefined) classes.push('is-gone')
  if (isNew) classes.push('is-new')
  if (isPending) classes.push('is-pending')
  if (view.compact) classes.push('is-compact')
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Enter is handled with the board's other keys
    <article
      {...rest}
      {...press.handlers}
      ref={element}
      className={`${classes.join(' ')} ${rest.className ?? ''}`}
      tabIndex={stop}
      data-card={card.id}
      aria-labelledby={titleId}
      onFocus={(event) => {
        rest.onFocus?.(event)
        setFocused(card.id)
      }}
      onClick={(event) => {
        if (press.took() || (event.target as Element).closest(CONTROLS) !== null) return
        if (getSelection()?.isCollapsed === false) return
        if (event.shiftKey || event.metaKey || event.ctrlKey) view.pick(card, event.shiftKey)
        else if (isSelecting && isMedia(COARSE)) toggle(card.id)
        else view.open(card.id)
      }}
    >
      <div className="card-head">
        <Box id={card.id} checked={isSelected} shown={isSelecting} stop={stop} />
        <Priority value={card.priority} word={priorityWord(card.priority)} />
        <span className="card-id">{card.id}</span>
        {view.showTenant && !view.compact && card.tenant !== null && (
          <span className="cut">{card.tenant}</span>
        )}
        {view.compact && <WhyMark card={card} isGone={gone !== undefined} />}
        {view.compact && <CompactFoot card={card} />}
        <span className="card-age">
          <PendingRing id={card.id}>
            {where ?? (card.live === null && <Age at={card.since} />)}
          </PendingRing>
        </span>
      </div>
      <h3 className="card-title" id={titleId}>
        <a
          href={taskPlace(view.slug, card.id)}
          tabIndex={-1}
          draggable={false}
          onClick={(event) => {
            if (isForBrowser(event)) return
            event.preventDefault()
            if (!press.took()) view.open(card.id)
          }}
        >
          {card.title}
        </a>
        {STATE_WORDS[card.state] !== undefined && (
          <span className="hidden-words">. {STATE_WORDS[card.state]}</span>
        )}
      </h3>
      {!view.compact && (
        <>
          <WhyBox card={card} isGone={gone !== undefined} />
          <CardAnswers card={card} stop={stop} />
          <CardFoot card={card} />
        </>
      )}
      {card.live !== null && <LiveLine live={card.live} card={card} />}
    </article>
  )
})

/** Hidden until something is selected; always there for readers and the keyboard. */
function Box(props: { id: string; checked: boolean; shown: boolean; stop: number }) {
  return (
    <input
      type="checkbox"
      className={props.shown ? 'card-box' : 'card-box hidden-words'}
      aria-label={`Select ${props.id}`}
      checked={props.checked}
      tabIndex={props.stop}
      onChange={() => toggle(props.id)}
    />
  )
}

/** On a touch screen a long press selects. */
function useLongPress(act: () => void) {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  const took = useRef(false)
  const end = () => clearTimeout(timer.current)
  return {
    /** Whether the press that just ended was one. */
    took: () => took.current,
    handlers: {
      onTouchStart: () => {
        took.current = false
        timer.current = setTimeout(() => {
          took.current = true
          act()
        }, PRESS_MILLISECONDS)
      },
      onTouchMove: end,
      onTouchEnd: end,
      onTouchCancel: end,
      onContextMenu: (event: React.MouseEvent) => {
        if (took.current) event.preventDefault()
      },
    },
  }
}
