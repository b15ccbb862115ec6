import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { X } from 'lucide-react'
import { useDeferredValue, useId, useState } from 'react'
import { held } from '@/api/client'
import { type Card, statusOf } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { IconButton } from '@/kit/Button'
import { isSend } from '@/kit/pressed'
import { StatusIcon } from '@/kit/StatusIcon'
import { keys } from '@/live/keys'

const SHOWN = 6

/** The tasks that a new one waits for, found by their words or ids. */
export function ParentsField(props: { value: string[]; onChange: (value: string[]) => void }) {
  const { value, onChange } = props
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  const id = useId()
  const wanted = useDeferredValue(typed.trim())
  const found = useFound(wanted, value)
  const add = (card: Card | undefined) => {
    if (card === undefined) return
    onChange([...value, card.id])
    setTyped('')
    setAt(0)
  }
  const isOpen = typed.trim() !== ''
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Backspace' && typed === '') onChange(value.slice(0, -1))
    if (!isOpen) return
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && found.length > 0) {
      event.preventDefault()
      setAt((at + step + found.length) % found.length)
    } else if (event.key === 'Enter' && !isSend(event)) {
      event.preventDefault()
      add(found[at])
    } else if (event.key === 'Escape') {
      event.stopPropagation()
      setTyped('')
    }
  }
  return (
    <div className="labelled parents">
      <label htmlFor={id}>Waits for</label>
      <div className="parents-field field">
        {value.map((one) => (
          <span key={one} className="badge">
            {one}
            <IconButton
              name={`No longer wait for ${one}`}
              small
              onClick={() => onChange(value.filter((other) => other !== one))}
            >
              <X className="i" />
            </IconButton>
          </span>
        ))}
        <input
          id={id}
          role="combobox"
          aria-expanded={isOpen}
          aria-controls={`${id}-found`}
          aria-activedescendant={isOpen && found[at] !== undefined ? `${id}-${at}` : undefined}
          placeholder={value.length === 0 ? 'Tasks that must be done first' : ''}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value)
            setAt(0)
          }}
          onKeyDown={onKeyDown}
          onBlur={() => setTyped('')}
        />
      </div>
      {isOpen && (
        <div id={`${id}-found`} role="listbox" aria-label="Tasks" className="pop parents-found">
          {found.map((card, place) => (
            // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus, and names this
            <div
              key={card.id}
              id={`${id}-${place}`}
              role="option"
              className="pop-item"
              aria-selected={place === at}
              data-highlighted={place === at ? '' : undefined}
              onPointerMove={() => setAt(place)}
              // Before the field loses the focus.
              onPointerDown={(event) => {
                event.preventDefault()
                add(card)
              }}
            >
              <StatusIcon status={statusOf(card)} />
              <span className="grow cut">{card.title}</span>
              <span className="dim">{card.id}</span>
            </div>
          ))}
          {found.length === 0 && <p className="pop-title">No task matches.</p>}
        </div>
      )}
    </div>
  )
}

function useFound(text: string, except: readonly string[]): Card[] {
  const { slug } = useBoard()
  const client = useClient()
  const found = useQuery({
    queryKey: keys.slow(slug, 'parents', text),
    enabled: text !== '',
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const query = { text, order: 'newest' as const, limit: SHOWN + except.length }
      return held(await client.GET('/cards', { params: { query }, signal })).cards
    },
  })
  return (found.data ?? []).filter((one) => !except.includes(one.id)).slice(0, SHOWN)
}
