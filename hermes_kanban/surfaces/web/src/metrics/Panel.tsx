import type { ReactNode } from 'react'

export interface Cells {
  head: readonly string[]
  rows: readonly (readonly ReactNode[])[]
}

/** A chart under its heading, and the same as a table: seen instead of it, or by readers only. */
export function Panel(props: {
  title: string
  note: string
  cells: Cells
  tables: boolean
  wide?: boolean
  children: ReactNode
}) {
  const id = `metric-${props.title.toLowerCase().replaceAll(/\W+/g, '-')}`
  const nothing = props.cells.rows.length === 0
  return (
    <section className={props.wide ? 'metric wide-metric' : 'metric'} aria-labelledby={id}>
      <h2 id={id}>{props.title}</h2>
      <p className="dim">{props.note}</p>
      {nothing && <p className="metric-nothing">Nothing in this span yet.</p>}
      {!nothing && !props.tables && <div aria-hidden="true">{props.children}</div>}
      {!nothing && (
        <div className={props.tables ? 'metric-table' : 'hidden-words'}>
          <Table title={props.title} cells={props.cells} />
        </div>
      )}
    </section>
  )
}

function Table({ title, cells }: { title: string; cells: Cells }) {
  return (
    <table>
      <caption className="hidden-words">{title}</caption>
      <thead>
        <tr>
          {cells.head.map((one) => (
            <th key={one} scope="col">
              {one}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {cells.rows.map(([first, ...rest], at) => (
          <tr key={at}>
            <th scope="row">{first}</th>
            {rest.map((one, column) => (
              <td key={column}>{one}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
