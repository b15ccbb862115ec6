import type { ReactNode } from 'react'

/** A part of the page with its heading, how many things it has, and what can be done with them. */
export function Section(props: {
  title: string
  count?: ReactNode
  tools?: ReactNode
  id: string
  children: ReactNode
  className?: string
}) {
  return (
    <section className={`task-section ${props.className ?? ''}`} aria-labelledby={props.id}>
      <div className="task-section-head">
        <h2 id={props.id}>{props.title}</h2>
        {props.count !== undefined && <span className="dim">{props.count}</span>}
        <span className="grow" />
        {props.tools}
      </div>
      {props.children}
    </section>
  )
}
