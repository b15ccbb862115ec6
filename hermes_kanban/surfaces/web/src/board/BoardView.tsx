import { useQuery } from '@tanstack/react-query'
import { held } from '@/api/client'
import { COLUMNS } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { StatusIcon } from '@/kit/StatusIcon'
import { keys } from '@/live/keys'

/** The columns of the board. */
export function BoardView() {
  const { slug } = useBoard()
  const client = useClient()
  const counts = useQuery({
    queryKey: keys.counts(slug),
    queryFn: async () => held(await client.GET('/counts')),
  })
  return (
    <div className="page">
      {COLUMNS.map((status) => (
        <section key={status} aria-labelledby={`column-${status}`}>
          <h2 id={`column-${status}`}>
            <StatusIcon status={status} /> {status} {counts.data?.all[status] ?? 0}
          </h2>
        </section>
      ))}
    </div>
  )
}
