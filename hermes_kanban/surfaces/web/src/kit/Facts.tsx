import type { ReactNode } from 'react'
import './facts.css'

/** A part of a page: its heading, how old what it says is, and what can be done. */
export function Part(props: {
  title: string
  /** How old the figures are, in words: "read 4 s ago". */
  fresh?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  const id = `part-${props.title.toLowerCase().replaceAll(/\W+/g, '-')}`
  return (
    <section className="part" aria-labelledby={id}>
      <header>
        <h2 id={id}>{props.title}</h2>
        {props.fresh !== undefined && <span className="dim">{props.fresh}</span>}
        <span className="grow" />
        {props.actions}
      </header>
      {props.children}
    </section>
  )
}

export interface Fact {
  name: ReactNode
  value: ReactNode
  /** What the value means, or what to do about it. */
  note?: ReactNode
}

/** Names and values, a line each. */
export function Facts({ rows }: { rows: readonly Fact[] }) {
  return (
    <dl className="facts">
      {rows.map((row, index) => (
        <div key={index}>
          <dt>{row.name}</dt>
          <dd>
            {row.value}
            {row.note !== undefined && <small>{row.note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** Taken of all, as a bar; the figures stand beside it. */
export function Share({ taken, of }: { taken: number; of: number }) {
  const part = of <= 0 ? 0 : Math.min(1, taken / of)
  return (
    <span className="share" aria-hidden="true">
      <span style={{ width: `${part * 100}%` }} />
    </span>
  )
}
