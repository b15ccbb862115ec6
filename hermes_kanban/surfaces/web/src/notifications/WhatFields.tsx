import { useId } from 'react'
import { useProfiles } from '@/app/reads'
import { Labelled } from '@/create/Labelled'
import { Segments } from '@/kit/Segments'
import { KINDS, type What } from './draft'
import type { FieldProps } from './SubscribeForm'
import { kindWords } from './words'

const WHATS: readonly { value: What; label: string; told: string }[] = [
  {
    value: 'attention',
    label: 'What needs a person',
    told: 'Questions, reviews, what was given up, and the end of a task.',
  },
  { value: 'all', label: 'Everything', told: 'Every event.' },
  { value: 'some', label: 'These', told: '' },
]

/** Which events are told, and of whose tasks. */
export function WhatFields({ draft, set, problem }: FieldProps) {
  const told = WHATS.find((one) => one.value === draft.what)?.told
  return (
    <>
      <div className="labelled">
        <span className="notify-label">What</span>
        <Segments
          label="What"
          value={draft.what}
          options={WHATS}
          onChange={(what) => set({ what })}
        />
        {told !== '' && <p className="dim">{told}</p>}
      </div>
      {draft.what === 'some' && <Kinds draft={draft} set={set} problem={problem} />}
      {draft.scope !== 'task' && <Whose draft={draft} set={set} problem={problem} />}
    </>
  )
}

function Kinds({ draft, set }: FieldProps) {
  return (
    <fieldset className="notify-kinds" aria-label="Kinds of events">
      {KINDS.map((kind) => (
        <label key={kind}>
          <input
            type="checkbox"
            checked={draft.kinds.includes(kind)}
            onChange={(event) =>
              set({
                kinds: event.target.checked
                  ? [...draft.kinds, kind]
                  : draft.kinds.filter((one) => one !== kind),
              })
            }
          />
          {kindWords(kind)}
        </label>
      ))}
    </fieldset>
  )
}

function Whose({ draft, set, problem }: FieldProps) {
  const profiles = useProfiles().data?.profiles ?? []
  const list = useId()
  return (
    <div className="new-fields">
      <Labelled label="Of profiles" problem={problem} field="filter.assignee">
        <input
          className="field"
          list={list}
          placeholder="any"
          autoComplete="off"
          value={draft.assignees}
          onChange={(event) => set({ assignees: event.target.value })}
        />
      </Labelled>
      <datalist id={list}>
        {profiles.map((one) => (
          <option key={one.name} value={one.name} />
        ))}
      </datalist>
      <Labelled label="For tenants" problem={problem} field="filter.tenant">
        <input
          className="field"
          placeholder="any"
          autoComplete="off"
          value={draft.tenants}
          onChange={(event) => set({ tenants: event.target.value })}
        />
      </Labelled>
    </div>
  )
}
