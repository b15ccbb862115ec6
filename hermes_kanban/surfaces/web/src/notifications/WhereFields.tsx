import { useEffect, useId } from 'react'
import { sentenceOf } from '@/api/problem'
import type { Destination } from '@/api/types'
import { sentence } from '@/kit/sentences'
import { DestinationIcon } from './DestinationIcon'
import { useDestinations } from './reading'
import type { FieldProps } from './SubscribeForm'
import { destinationWords, type Scheme, schemeOf } from './words'

const OPEN: Partial<Record<Scheme, { label: string; placeholder: string }>> = {
  matrix: { label: 'another room', placeholder: '#room:example.org' },
  telegram: { label: 'another chat', placeholder: 'its id' },
  slack: { label: 'another channel', placeholder: 'its id' },
  discord: { label: 'another channel', placeholder: 'its id' },
  email: { label: 'an address', placeholder: 'ops@example.org' },
  command: { label: 'a program', placeholder: '/usr/local/bin/tell-me' },
}

/** Where it goes: what the server has, with what is wrong with it. */
export function WhereFields({ draft, set, problem }: FieldProps) {
  const found = useDestinations()
  const group = useId()
  const home = found.data?.find((one) => one.home && one.problem === null)?.destination
  useEffect(() => {
    // A home is where things go that nobody sends elsewhere.
    if (home !== undefined && draft.place === '') set({ place: home })
  }, [home, draft.place, set])
  return (
    <div className="labelled">
      <span className="notify-label" id={group}>
        Where
      </span>
      {found.error !== null && <p role="alert">{sentenceOf(found.error)}</p>}
      <div className="boxed notify-places" role="radiogroup" aria-labelledby={group}>
        {inOrder(found.data ?? []).map((one) => (
          <Place
            key={one.destination}
            place={one}
            isChosen={draft.place === one.destination}
            isWrong={problem?.field === 'destination'}
            address={draft.address}
            onChoose={() => set({ place: one.destination, address: '' })}
            onAddress={(address) => set({ address })}
          />
        ))}
      </div>
    </div>
  )
}

/** What can be chosen comes first. */
function inOrder(places: readonly Destination[]): Destination[] {
  return places.toSorted((a, b) => Number(a.problem !== null) - Number(b.problem !== null))
}

function Place(props: {
  place: Destination
  isChosen: boolean
  isWrong: boolean
  address: string
  onChoose: () => void
  onAddress: (address: string) => void
}) {
  const { place, isChosen } = props
  const { kind, which } = destinationWords(place.destination)
  const scheme = schemeOf(place.destination)
  const open = place.open && scheme !== null ? OPEN[scheme] : undefined
  const name = useId()
  return (
    <div className="notify-place">
      <label>
        <input
          type="radio"
          name="destination"
          checked={isChosen}
          disabled={place.problem !== null}
          onChange={props.onChoose}
        />
        <DestinationIcon destination={place.destination} />
        <span id={name}>
          {open === undefined ? (
            <>
              {kind} <b>{which}</b>
            </>
          ) : (
            `${kind}, ${open.label}`
          )}
        </span>
        {place.home && <span className="badge">home</span>}
      </label>
      {place.problem !== null && <small className="dim">{sentence(place.problem)}</small>}
      {isChosen && place.open && (
        <input
          // biome-ignore lint/a11y/noAutofocus: it opens because it was asked for
          autoFocus
          className="field"
          aria-labelledby={name}
          aria-invalid={props.isWrong ? true : undefined}
          placeholder={open?.placeholder}
          autoComplete="off"
          spellCheck={false}
          value={props.address}
          onChange={(event) => props.onAddress(event.target.value)}
        />
      )}
    </div>
  )
}
