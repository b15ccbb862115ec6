import { useNotifying } from '@/actions/useActions'
import { Button } from '@/kit/Button'
import { useOffline } from '@/live/connection'
import { useSubscriptionsOf } from './reading'
import { Where } from './Where'
import { destinationPhrase, filterWords, howWords } from './words'

/** Who hears of a task already. One that a tree handed down ends with that of the tree. */
export function Already({ task }: { task: string }) {
  const notifying = useNotifying()
  const offline = useOffline()
  const all = useSubscriptionsOf(task).data ?? []
  if (all.length === 0) return null
  return (
    <ul className="boxed notify-already" aria-label="Who hears of it already">
      {all.map((one) => (
        <li key={one.id}>
          <Where destination={one.destination} />
          <small className="dim">
            {filterWords(one.filter)}; {howWords(one)}
          </small>
          {one.root_id === null ? (
            <Button
              small
              look="quiet"
              disabled={offline !== null}
              title={offline ?? undefined}
              onClick={() =>
                void notifying.end({
                  id: one.id,
                  task_id: one.task_id,
                  where: destinationPhrase(one.destination),
                  waiting: one.waiting,
                })
              }
            >
              End
            </Button>
          ) : (
            <small className="dim">by its tree</small>
          )}
        </li>
      ))}
    </ul>
  )
}
