import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from 'react'
import type { Counts, Status } from '@/api/types'
import { count } from '@/kit/numbers'
import { StatusIcon } from '@/kit/StatusIcon'
import { statusName } from '@/kit/sentences'
import { CALM, isMedia, NARROW } from '@/kit/useMedia'
import { useView } from './context'
import { isNarrow } from './filter'
import { countWords } from './words'

/** On a narrow screen: which column is shown, by a tap or by swiping. */
export function Pager(props: {
  columns: readonly Status[]
  counts: Counts | undefined
  scroller: RefObject<HTMLDivElement | null>
}) {
  const { columns, counts, scroller } = props
  const { filter } = useView()
  const [shown, setShown] = useState<Status | undefined>(columns[0])
  const tabs = useRef<HTMLDivElement>(null)
  const opened = useRef(false)
  useLayoutEffect(() => {
    if (opened.current || counts === undefined || !isMedia(NARROW)) return
    opened.current = true
    const first = openOn(counts)
    if (columns.includes(first)) scrollTo(scroller.current, first, 'instant')
  }, [counts, columns, scroller])
  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    const look = () => {
      const at = Math.round(element.scrollLeft / Math.max(1, element.clientWidth))
      setShown(columns[at])
    }
    look()
    element.addEventListener('scroll', look, { passive: true })
    return () => element.removeEventListener('scroll', look)
  }, [columns, scroller])
  useEffect(() => {
    const tab = tabs.current?.querySelector(`[data-page="${shown}"]`)
    tab?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [shown])
  return (
    <nav className="pager" ref={tabs} aria-label="Columns">
      {columns.map((status) => (
        <button
          key={status}
          type="button"
          data-page={status}
          aria-current={status === shown ? 'true' : undefined}
          onClick={() => scrollTo(scroller.current, status, 'smooth')}
        >
          <StatusIcon status={status} />
          {statusName(status)}{' '}
          {counts !== undefined && (
            <span>
              {countWords(
                counts.matching[status] ?? 0,
                counts.all[status] ?? 0,
                isNarrow(filter),
                count,
              )}
            </span>
          )}
        </button>
      ))}
    </nav>
  )
}

/** What one wants to see first: what asks for an answer, else what runs. */
function openOn(counts: Counts): Status {
  if (counts.needs_you === 0) return 'running'
  return (counts.all.blocked ?? 0) > 0 ? 'blocked' : 'review'
}

function scrollTo(scroller: HTMLElement | null, status: Status, behavior: ScrollBehavior): void {
  const column = scroller?.querySelector<HTMLElement>(`[data-column="${status}"]`)
  if (!column || !scroller) return
  scroller.scrollTo({
    left: column.offsetLeft - scroller.offsetLeft,
    behavior: isMedia(CALM) ? 'instant' : behavior,
  })
}
