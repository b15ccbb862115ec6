import { type CSSProperties, useRef } from 'react'
import type { Counts, Status } from '@/api/types'
import { Column } from './Column'
import { useView } from './context'
import { columnsOf } from './filter'
import { Pager } from './Pager'

/** All columns side by side; on a narrow screen one at a time, with a pager above. */
export function Columns({ counts }: { counts: Counts | undefined }) {
  const { filter } = useView()
  const columns = columnsOf(filter)
  const scroller = useRef<HTMLDivElement>(null)
  return (
    <>
      <Pager columns={columns} counts={counts} scroller={scroller} />
      <div
        className="columns"
        ref={scroller}
        style={{ '--tracks': tracks(columns) } as CSSProperties}
      >
        {columns.map((status) => (
          <Column key={status} status={status} counts={counts} />
        ))}
      </div>
    </>
  )
}

/** The widths of the columns: wide where attention is. */
export function tracks(columns: readonly Status[]): string {
  return columns.map((status) => `var(--w-${status})`).join(' ')
}
