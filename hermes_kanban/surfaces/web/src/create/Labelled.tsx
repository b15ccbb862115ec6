import { cloneElement, type ReactElement, useId } from 'react'
import type { Problem } from '@/api/problem'

/** A field under its name; marked where the server's refusal was about it. */
export function Labelled(props: {
  label: string
  problem: Problem | null
  /** The field's name in the server's words. */
  field: string
  hint?: string
  children: ReactElement<Record<string, unknown>>
}) {
  const { label, problem, field, hint, children } = props
  const id = useId()
  const isWrong = problem?.field === field
  return (
    <div className="labelled">
      <label htmlFor={id}>{label}</label>
      {cloneElement(children, {
        id,
        'aria-invalid': isWrong ? true : undefined,
        'aria-describedby': hint === undefined ? undefined : `${id}-hint`,
      })}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="dim">
          {hint}
        </p>
      )}
    </div>
  )
}
