import { useId } from 'react'
import { useProfiles } from '@/app/reads'
import { Labelled } from '@/create/Labelled'
import { Segments } from '@/kit/Segments'
import { DIGESTS, type Mode } from './draft'
import type { FieldProps } from './SubscribeForm'

const MODES: readonly { value: Mode; label: string }[] = [
  { value: 'notify', label: 'Send a message' },
  { value: 'wake', label: 'Wake an agent' },
  { value: 'notify_and_wake', label: 'Both' },
]

/** A message, a task for an agent, or both. */
export function HowFields({ draft, set, problem }: FieldProps) {
  const profiles = useProfiles().data?.profiles ?? []
  return (
    <>
      <div className="labelled">
        <span className="notify-label">How</span>
        <Segments
          label="How"
          value={draft.mode}
          options={MODES}
          onChange={(mode) => set({ mode })}
        />
      </div>
      {draft.mode !== 'notify' && (
        <div className="new-fields">
          <Labelled label="Which gets a task" problem={problem} field="options.wake">
            <select
              className="field"
              value={draft.wake}
              onChange={(event) => set({ wake: event.target.value })}
            >
              <option value="">Choose a profile</option>
              {profiles.map((one) => (
                <option key={one.name} value={one.name}>
                  {one.name}
                </option>
              ))}
            </select>
          </Labelled>
        </div>
      )}
    </>
  )
}

/** Together with others, and not at night. */
export function WhenFields({ draft, set, problem }: FieldProps) {
  return (
    <>
      <div className="new-fields">
        <Labelled label="Digest" problem={problem} field="options.digest_seconds">
          <select
            className="field"
            value={draft.digestSeconds}
            onChange={(event) => set({ digestSeconds: Number(event.target.value) })}
          >
            {DIGESTS.map((one) => (
              <option key={one.seconds} value={one.seconds}>
                {one.label}
              </option>
            ))}
          </select>
        </Labelled>
      </div>
      <label className="notify-quiet">
        <input
          type="checkbox"
          checked={draft.quiet}
          onChange={(event) => set({ quiet: event.target.checked })}
        />
        Quiet hours: what comes then is told at their end
      </label>
      {draft.quiet && <Quiet draft={draft} set={set} problem={problem} />}
    </>
  )
}

function Quiet({ draft, set, problem }: FieldProps) {
  const list = useId()
  return (
    <div className="new-fields">
      <Labelled label="From" problem={problem} field="quiet">
        <input
          type="time"
          className="field"
          required
          value={draft.from}
          onChange={(event) => set({ from: event.target.value })}
        />
      </Labelled>
      <Labelled label="To" problem={problem} field="quiet">
        <input
          type="time"
          className="field"
          required
          value={draft.to}
          onChange={(event) => set({ to: event.target.value })}
        />
      </Labelled>
      <Labelled label="In the zone" problem={problem} field="options.quiet">
        <input
          className="field"
          list={list}
          autoComplete="off"
          spellCheck={false}
          value={draft.zone}
          onChange={(event) => set({ zone: event.target.value })}
        />
      </Labelled>
      <datalist id={list}>
        {Intl.supportedValuesOf('timeZone').map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </div>
  )
}
