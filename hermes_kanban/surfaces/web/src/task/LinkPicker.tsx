import { useQuery } from '@tanstack/react-query'
import type { Client } from 'openapi-fetch'
import { useDeferredValue, useId, useState } from 'react'
import { useActions } from '@/actions/useActions'
import { held } from '@/api/client'
import type { paths } from '@/api/schema'
import { type Card, COLUMNS, type Status, statusOf } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { Button } from '@/kit/Button'
import { Segments } from '@/kit/Segments'
import { StatusIcon } from '@/kit/StatusIcon'
import { keys } from '@/live/keys'
import { useTask } from './context'

const MOST = 8
// More than are shown: those that are linked already are left out.
const FOUND_AT_ONCE = 20

/** Open tasks first, the newest before the others: those are what one links to. */
async function find(client: Client<paths>, text: string): Promise<Card[]> {
  const ask = async (status: Status[]) => {
    const query = { text, status, order: 'newest' as const, limit: FOUND_AT_ONCE }
    return held(await client.GET('/cards', { params: { query } })).cards
  }
  const open = await ask(COLUMNS.filter((one) => one !== 'done'))
  return open.length < MOST ? [...open, ...(await ask(['done']))] : open
}

/** Finds a task by its id or title and links it, as one to wait for or one that waits. */
export function LinkPicker(props: { linked: readonly string[]; onClose: () => void }) {
  const { slug } = useBoard()
  const client = useClient()
  const { id } = useTask()
  const actions = useActions()
  const list = useId()
  const [way, setWay] = useState<'waits' | 'releases'>('waits')
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const wanted = useDeferredValue(text.trim())
  const found = useQuery({
    queryKey: keys.still(slug, 'find', wanted),
    queryFn: () => find(client, wanted),
    enabled: wanted !== '',
    staleTime: 2_000,
  })
  const known = new Set([id, ...props.linked])
  const cards = (wanted === '' ? [] : (found.data ?? []))
    .filter((card) => !known.has(card.id))
    .slice(0, MOST)
  const chosen = Math.min(at, cards.length - 1)
  const link = async (other: string) => {
    const [parent, child] = way === 'waits' ? ([other, id] as const) : ([id, other] as const)
    if (await actions.link(parent, child)) props.onClose()
  }
  return (
    <div className="task-box task-picker">
      <div className="task-picker-bar">
        <Segments
          label="Which way"
          value={way}
          options={[
            { value: 'waits', label: 'It waits for' },
            { value: 'releases', label: 'It releases' },
          ]}
          onChange={setWay}
        />
        <input
          // biome-ignore lint/a11y/noAutofocus: it opens because it was asked for
          autoFocus
          className="field"
          role="combobox"
          aria-label="Task, by id or title"
          aria-expanded={cards.length > 0}
          aria-controls={list}
          aria-activedescendant={cards[chosen] && `${list}-${cards[chosen].id}`}
          placeholder="Id or title"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setAt(0)
          }}
          onKeyDown={(event) => {
            const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
            if (step !== undefined) {
              event.preventDefault()
              setAt(Math.max(0, Math.min(cards.length - 1, chosen + step)))
            } else if (event.key === 'Enter') {
              event.preventDefault()
              const card = cards[chosen]
              if (card !== undefined) void link(card.id)
            } else if (event.key === 'Escape') {
              event.stopPropagation()
              props.onClose()
            }
          }}
        />
        <Button small look="quiet" onClick={props.onClose}>
          Cancel
        </Button>
      </div>
      <div id={list} role="listbox" aria-label="Tasks" className="task-picker-list">
        {cards.map((card, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <div
            key={card.id}
            id={`${list}-${card.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            className="pop-item"
            data-highlighted={index === chosen || undefined}
            onClick={() => void link(card.id)}
          >
            <StatusIcon status={statusOf(card)} />
            <span className="dim">{card.id}</span>
            <span className="cut">{card.title}</span>
          </div>
        ))}
      </div>
      {wanted !== '' && found.isSuccess && cards.length === 0 && (
        <p className="dim task-picker-none">No task matches.</p>
      )}
    </div>
  )
}
