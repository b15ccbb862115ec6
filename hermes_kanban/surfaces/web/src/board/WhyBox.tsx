import { Clock, TriangleAlert, UserRound } from 'lucide-react'
import { useLayoutEffect, useRef } from 'react'
import { type Card, type Status, statusOf } from '@/api/types'
import { useElsewhere, useHost, useIsServed } from '@/app/hosts'
import { goneWords } from '@/app/hostWords'
import { Countdown } from '@/kit/Age'
import { Tip } from '@/kit/Button'
import { age } from '@/kit/time'
import { useNow } from '@/live/clock'
import { useQuiet } from '@/live/quiet'
import { useView } from './context'
import { useSaidOfAll } from './ofAll'
import { asksWhy, type Mark, type Why, whyOf } from './why'
import { useHolds } from './whys'

const ICONS: Record<Mark, typeof Clock> = {
  person: UserRound,
  error: TriangleAlert,
  clock: Clock,
  quiet: Clock,
}

interface Props {
  card: Card
  /** It has left the column, and keeps its place and size there until nobody is looking. */
  isGone: boolean
}

/** Why a card waits: the fact, and who lifts it. */
export function WhyBox({ card, isGone }: Props) {
  const why = useWhy(card, isGone)
  if (why === null) return null
  return <WhySentence why={why} status={statusOf(card)} />
}

/** The same as one icon, where there is no room. */
export function WhyMark({ card, isGone }: Props) {
  const why = useWhy(card, isGone)
  if (why === null) return null
  const Icon = ICONS[why.mark]
  return (
    <Tip text={<Words why={why} />}>
      <span className={`why-mark ${statusOf(card)}`}>
        <Icon className="i" aria-hidden="true" />
        <span className="hidden-words">
          <Words why={why} />
        </span>
      </span>
    </Tip>
  )
}

/** A sentence in the colour of a status. */
function WhySentence({ why, status }: { why: Why; status: Status }) {
  const Icon = ICONS[why.mark]
  return (
    <p className={`why ${status}`}>
      <Icon className="i" aria-hidden="true" />
      <span className="why-words">
        <Words why={why} />
      </span>
    </p>
  )
}

function Words({ why }: { why: Why }) {
  return (
    <>
      {why.before} <b>{why.until === undefined ? why.lifter : <Countdown until={why.until} />}</b>
      {why.after.startsWith(',') ? '' : ' '}
      {why.after}
    </>
  )
}

function useWhy(card: Card, isGone: boolean): Why | null {
  const { slug } = useView()
  const holds = useHolds(slug, card, !isGone && asksWhy(card))
  // What ends at a moment ends then; the rest is looked at now and then.
  const isTimed = card.eligible_at !== null || card.scheduled_at !== null
  const now = useNow(card.status === 'ready' && isTimed ? 1 : 10)
  const quiet = useQuietWhy(card)
  const saidAbove = useSaidOfAll()
  const why = quiet ?? whyOf(card, holds, now, saidAbove)
  const last = useRef(why)
  useLayoutEffect(() => {
    if (!isGone) last.current = why
  })
  return isGone ? last.current : why
}

/** A run that has been quiet for long: whether its process lives. */
function useQuietWhy(card: Card): Why | null {
  const served = useIsServed()
  const elsewhere = useElsewhere(card.live?.host)
  const quiet = useQuiet(elsewhere === null ? card.live : null)
  const host = useHost(card.live?.host)
  const before = host && goneWords(host)
  if (before !== null) {
    const after = 'gives the run up once its lease is over.'
    return { mark: 'error', before, lifter: 'Board', after }
  }
  if (card.live === null || quiet === null) return null
  const said = `No output for ${age(quiet)}.`
  if (!served) {
    return {
      mark: 'quiet',
      before: `${said} Nobody watches its process:`,
      lifter: 'You',
      after: 'start the gateway.',
    }
  }
  if (card.live.stop_requested_at !== null) {
    return { mark: 'quiet', before: said, lifter: 'Board', after: 'is stopping its process.' }
  }
  return { mark: 'quiet', before: `${said} Its process lives.`, lifter: '', after: '' }
}
