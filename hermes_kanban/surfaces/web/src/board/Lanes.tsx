import type { Counts } from '@/api/types'
import { Columns } from './Columns'
import type { LaneKind } from './filter'

/** The same columns, cut into lanes. */
export function Lanes({ counts }: { kind: LaneKind; counts: Counts | undefined }) {
  return <Columns counts={counts} />
}
