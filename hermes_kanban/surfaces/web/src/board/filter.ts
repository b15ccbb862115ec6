/** What of the board is shown, as it stands in the address. Pure: tested with node. */

import { COLUMNS, STATUSES, type Status } from '../api/types.ts'
import type { Asked, Order } from '../live/cardlists.ts'

export type LaneKind = 'assignee' | 'tenant'

export interface Filter {
  /** Only these columns; all where empty. */
  status: Status[]
  assignee: string[]
  tenant: string[]
  minPriority: number | null
  needsYou: boolean
  text: string
  archived: boolean
}

/** A list of cards and its lane: what of the filter a cell of the board asks for. */
export interface Cell {
  status: Status
  lane?: { kind: LaneKind; name: string | null }
}

/** The address's word for nobody. */
export const NOBODY = '-'

const NAMES = [
  'status',
  'assignee',
  'tenant',
  'priority',
  'needs',
  'q',
  'archived',
  'lanes',
] as const

/** The filter of an address; what it does not understand it leaves out. */
export function readFilter(search: URLSearchParams): Filter {
  const priority = Number.parseInt(search.get('priority') ?? '', 10)
  return {
    status: STATUSES.filter((one) => search.getAll('status').includes(one)),
    assignee: search.getAll('assignee'),
    tenant: search.getAll('tenant'),
    minPriority: Number.isNaN(priority) ? null : priority,
    needsYou: search.get('needs') === 'you',
    text: (search.get('q') ?? '').trim(),
    archived: search.get('archived') === '1',
  }
}

/** The address with that filter; everything else in it stays. */
export function writeFilter(before: URLSearchParams, filter: Filter): URLSearchParams {
  const next = new URLSearchParams(before)
  for (const name of NAMES) if (name !== 'lanes') next.delete(name)
  for (const one of filter.status) next.append('status', one)
  for (const one of filter.assignee) next.append('assignee', one)
  for (const one of filter.tenant) next.append('tenant', one)
  if (filter.minPriority !== null) next.set('priority', String(filter.minPriority))
  if (filter.needsYou) next.set('needs', 'you')
  if (filter.text !== '') next.set('q', filter.text)
  if (filter.archived) next.set('archived', '1')
  return next
}

/** The lanes that an address asks for. */
export function readLanes(search: URLSearchParams): LaneKind | null {
  const lanes = search.get('lanes')
  return lanes === 'assignee' || lanes === 'tenant' ? lanes : null
}

/** What of an address a saved view keeps: filter and lanes, no open task. */
export function viewOf(search: URLSearchParams): string {
  const kept = new URLSearchParams()
  for (const name of NAMES) for (const value of search.getAll(name)) kept.append(name, value)
  return kept.toString()
}

/** The columns that are shown. */
export function columnsOf(filter: Filter): readonly Status[] {
  if (filter.status.length > 0) return filter.status
  return filter.archived ? STATUSES : COLUMNS
}

/** Whether fewer tasks than all are shown in a column. */
export function isNarrow(filter: Filter): boolean {
  return (
    filter.assignee.length > 0 ||
    filter.tenant.length > 0 ||
    filter.minPriority !== null ||
    filter.needsYou ||
    filter.text !== ''
  )
}

/** The filter in the server's words, without statuses: what counts are asked for. */
export function askedOf(filter: Filter): Asked {
  const asked: Asked = {}
  if (filter.assignee.length > 0) asked.assignee = filter.assignee
  if (filter.tenant.length > 0) asked.tenant = filter.tenant
  if (filter.minPriority !== null) asked.min_priority = filter.minPriority
  if (filter.needsYou) asked.needs_you = true
  if (filter.text !== '') asked.text = filter.text
  return asked
}

/** What the list of a cell is asked for; null where the filter and its lane exclude each other. */
export function cellAsked(filter: Filter, { status, lane }: Cell): Asked | null {
  const asked: Asked = { ...askedOf(filter), status: [status], order: ORDERS[status] ?? 'oldest' }
  if (lane === undefined) return asked
  const name = lane.name ?? NOBODY
  const wanted = filter[lane.kind]
  if (wanted.length > 0 && !wanted.includes(name)) return null
  asked[lane.kind] = [name]
  return asked
}

// Who is next stands on top of ready, what came last on top of what is over.
const ORDERS: Partial<Record<Status, Order>> = {
  ready: 'queue',
  done: 'completed',
  archived: 'newest',
}

/** One word of the filter, as a chip that can be taken away. */
export interface Chip {
  name: string
  value: string
  without: Filter
}

/** The filter in words, a chip for each value. */
export function chipsOf(filter: Filter, priorityWord: (value: number) => string): Chip[] {
  const chips: Chip[] = []
  for (const list of ['status', 'assignee', 'tenant'] as const) {
    for (const value of filter[list]) {
      const rest = (filter[list] as string[]).filter((one) => one !== value)
      chips.push({
        name: `${CHIP_NAMES[list]} is`,
        value: value === NOBODY ? 'nobody' : value,
        without: { ...filter, [list]: rest },
      })
    }
  }
  if (filter.minPriority !== null) {
    const value = `${priorityWord(filter.minPriority)} or more`
    chips.push({ name: 'Priority is', value, without: { ...filter, minPriority: null } })
  }
  if (filter.needsYou) {
    chips.push({ name: 'Needs', value: 'you', without: { ...filter, needsYou: false } })
  }
  if (filter.text !== '') {
    chips.push({ name: 'Text has', value: filter.text, without: { ...filter, text: '' } })
  }
  if (filter.archived) {
    chips.push({ name: 'With', value: 'archived', without: { ...filter, archived: false } })
  }
  return chips
}

const CHIP_NAMES = { status: 'Status', assignee: 'Assignee', tenant: 'Tenant' }

/** A filter that leaves everything. */
export const EVERYTHING: Filter = {
  status: [],
  assignee: [],
  tenant: [],
  minPriority: null,
  needsYou: false,
  text: '',
  archived: false,
}
