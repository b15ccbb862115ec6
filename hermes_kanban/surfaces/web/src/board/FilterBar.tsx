import { X } from 'lucide-react'
import { useCallback } from 'react'
import { useSearchParams } from 'wouter'
import { priorityWord } from '@/actions/priorities'
import type { Counts } from '@/api/types'
import { Button } from '@/kit/Button'
import { count } from '@/kit/numbers'
import { Segments } from '@/kit/Segments'
import { useView } from './context'
import { FilterMenu } from './FilterMenu'
import {
  chipsOf,
  columnsOf,
  EVERYTHING,
  type Filter,
  isNarrow,
  type LaneKind,
  writeFilter,
} from './filter'
import { ViewMenu } from './ViewMenu'
import './filters.css'

const LANES = [
  { value: 'none', label: 'None' },
  { value: 'assignee', label: 'Profile' },
  { value: 'tenant', label: 'Tenant' },
] as const

/** What narrows the board, how much that leaves, lanes and saved views. */
export function FilterBar({
  counts,
  lanes,
}: {
  counts: Counts | undefined
  lanes: LaneKind | null
}) {
  const { filter } = useView()
  const setFilter = useSetFilter()
  const [, setSearch] = useSearchParams()
  const chips = chipsOf(filter, priorityWord)
  const shown = columnsOf(filter)
  const total = shown.reduce((sum, status) => sum + (counts?.matching[status] ?? 0), 0)
  return (
    <div className="filters">
      <FilterMenu onChange={setFilter} />
      <ul className="chips" aria-label="Filters">
        {chips.map((chip) => (
          <li key={chip.name + chip.value} className="chip">
            {chip.name} <b>{chip.value}</b>
            <button
              type="button"
              aria-label={`Remove: ${chip.name} ${chip.value}`}
              onClick={() => setFilter(chip.without)}
            >
              <X className="i" aria-hidden="true" />
            </button>
          </li>
        ))}
      </ul>
      {chips.length > 1 && (
        <Button small look="quiet" onClick={() => setFilter(EVERYTHING)}>
          Clear
        </Button>
      )}
      <span className="grow" />
      {counts !== undefined && (
        <span className="filters-total" role="status">
          {count(total)} {total === 1 ? 'task' : 'tasks'}
        </span>
      )}
      <span className="filters-label" aria-hidden="true">
        Lanes
      </span>
      <Segments
        label="Lanes"
        value={lanes ?? 'none'}
        options={LANES}
        onChange={(value) =>
          setSearch((before) => {
            const next = new URLSearchParams(before)
            if (value === 'none') next.delete('lanes')
            else next.set('lanes', value)
            return next
          })
        }
      />
      <ViewMenu />
    </div>
  )
}

/** What says that a filter leaves nothing, and clears it. */
export function NothingMatches({ counts }: { counts: Counts | undefined }) {
  const { filter } = useView()
  const setFilter = useSetFilter()
  const none = columnsOf(filter).every((status) => (counts?.matching[status] ?? 0) === 0)
  const isFiltered = isNarrow(filter) || filter.status.length > 0
  if (counts === undefined || !none || !isFiltered) return null
  return (
    <p className="nothing-matches">
      No task matches.{' '}
      <Button small onClick={() => setFilter(EVERYTHING)}>
        Clear filters
      </Button>
    </p>
  )
}

/** Writes a filter into the address. */
function useSetFilter(): (filter: Filter) => void {
  const [, setSearch] = useSearchParams()
  return useCallback((filter) => setSearch((before) => writeFilter(before, filter)), [setSearch])
}
