import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useSearchParams } from 'wouter'
import { shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Button, IconButton } from '@/kit/Button'
import { Segments } from '@/kit/Segments'
import { fieldTime, timeOfField } from '@/kit/time'
import { chosen, moved, type Span, type SpanName } from './span'

const OPTIONS: readonly { value: SpanName; label: string }[] = [
  { value: '1h', label: '1 h' },
  { value: '6h', label: '6 h' },
  { value: 'day', label: 'Day' },
  { value: 'week', label: 'Week' },
  { value: 'custom', label: 'Custom' },
]
const STEP = 0.5

/** Which span of time: a length up to now, moved by halves, or from and to. All in the address. */
export function SpanChooser({ span, now, active }: { span: Span; now: number; active: boolean }) {
  const [, setSearch] = useSearchParams()
  const length = span.end - span.start
  const move = (part: number) =>
    setSearch((before) => moved(before, span, part * length, now), { replace: true })
  const back = () =>
    setSearch((before) => chosen(before, span, span.name === 'custom' ? '6h' : span.name))
  const keys = { timeEarlier: () => move(-STEP), timeLater: () => move(STEP), timeNow: back }
  useKeys('timeline', keys, active)
  return (
    <>
      <Segments
        label="Span"
        value={span.name}
        options={OPTIONS}
        onChange={(name) => setSearch((before) => chosen(before, span, name))}
      />
      {span.name === 'custom' && <FromTo span={span} />}
      <span className="time-moves">
        <IconButton name="Earlier" hint={shown('timeEarlier')} small onClick={() => move(-STEP)}>
          <ChevronLeft className="i" aria-hidden="true" />
        </IconButton>
        <IconButton
          name="Later"
          hint={shown('timeLater')}
          small
          disabled={span.follows}
          onClick={() => move(STEP)}
        >
          <ChevronRight className="i" aria-hidden="true" />
        </IconButton>
        <Button small hint={shown('timeNow')} disabled={span.follows} onClick={back}>
          Now
        </Button>
      </span>
    </>
  )
}

function FromTo({ span }: { span: Span }) {
  const [, setSearch] = useSearchParams()
  const set = (name: 'from' | 'to', text: string) => {
    const seconds = timeOfField(text)
    if (seconds === null) return
    setSearch(
      (before) => {
        const next = new URLSearchParams(before)
        next.set(name, String(seconds))
        return next
      },
      { replace: true },
    )
  }
  return (
    <span className="time-custom">
      {(['from', 'to'] as const).map((name) => (
        <label key={name}>
          {name === 'from' ? 'From' : 'To'}
          <input
            className="field"
            type="datetime-local"
            key={span[name === 'from' ? 'start' : 'end']}
            defaultValue={fieldTime(name === 'from' ? span.start : span.end)}
            onBlur={(event) => set(name, event.target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter') set(name, event.currentTarget.value)
            }}
          />
        </label>
      ))}
    </span>
  )
}
