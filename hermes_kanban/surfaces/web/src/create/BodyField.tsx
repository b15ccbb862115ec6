import { useId, useState } from 'react'
import { useBoard } from '@/app/board'
import { Markdown } from '@/kit/Markdown'
import { Segments } from '@/kit/Segments'

/** The body of a task in Markdown, written or as it will be read. */
export function BodyField(props: { value: string; onChange: (value: string) => void }) {
  const { value, onChange } = props
  const { slug } = useBoard()
  const [mode, setMode] = useState<'write' | 'read'>('write')
  const id = useId()
  return (
    <div className="new-body">
      <div className="new-body-head">
        <label htmlFor={id}>Body</label>
        <span className="grow" />
        <Segments
          label="How the text is shown"
          value={mode}
          options={[
            { value: 'write', label: 'Write' },
            { value: 'read', label: 'Preview' },
          ]}
          onChange={setMode}
        />
      </div>
      {mode === 'write' ? (
        <textarea
          id={id}
          className="field"
          rows={6}
          placeholder="All that its worker must know, in Markdown"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      ) : (
        <div className="new-preview">
          {value.trim() === '' ? (
            <p className="dim">Nothing is written.</p>
          ) : (
            <Markdown text={value} board={slug} />
          )}
        </div>
      )}
    </div>
  )
}
