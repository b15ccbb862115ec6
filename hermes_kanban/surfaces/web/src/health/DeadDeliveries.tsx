import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { held } from '@/api/client'
import type { Health } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { Age } from '@/kit/Age'
import { Button } from '@/kit/Button'
import { Part } from '@/kit/Facts'
import { count } from '@/kit/numbers'
import { toastProblem } from '@/kit/toasts'
import { useOffline } from '@/live/connection'
import { keys } from '@/live/keys'

const SHOWN = 50

/** Messages that nobody got: each with the reason, and what can be done. */
export function DeadDeliveries({ health }: { health: Health }) {
  const { slug } = useBoard()
  const client = useClient()
  const queries = useQueryClient()
  const offline = useOffline()
  const dead = useQuery({
    queryKey: keys.slow(slug, 'dead'),
    queryFn: async () =>
      held(await client.GET('/outbox', { params: { query: { state: 'dead', limit: SHOWN } } })),
  })
  const subscriptions = useQuery({
    queryKey: keys.slow(slug, 'subscriptions'),
    queryFn: async () =>
      held(await client.GET('/subscriptions', { params: { query: { limit: 1_000 } } })),
  })
  const settle = useMutation({
    mutationFn: ({ id, again }: { id: number; again: boolean }) =>
      client.POST(again ? '/retry-delivery' : '/drop-delivery', { body: { delivery: id } }),
    onError: (error) => toastProblem(error),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.slow(slug, 'dead') }),
  })
  const all = dead.data?.deliveries ?? []
  const where = new Map(
    subscriptions.data?.subscriptions.map((one) => [one.id, one.destination] as const),
  )
  return (
    <Part
      title="Messages"
      fresh={
        dead.dataUpdatedAt > 0 && (
          <>
            read <Age at={dead.dataUpdatedAt / 1_000} /> ago
          </>
        )
      }
    >
      {all.length === 0 ? (
        <p className="dim">
          None was given up
          {health.deliveries_waiting > 0 &&
            `; ${count(health.deliveries_waiting)} are on their way`}
          .
        </p>
      ) : (
        <ul className="boxed caps">
          {all.map((one) => (
            <li key={one.id}>
              <span className="grow">
                Event {count(one.event_id)} did not reach{' '}
                <code>{where.get(one.sub_id) ?? `subscription ${one.sub_id}`}</code> in{' '}
                {one.attempts} {one.attempts === 1 ? 'attempt' : 'attempts'}.
                {one.reason !== null && <small>{one.reason}</small>}
              </span>
              <Button
                small
                disabled={offline !== null}
                title={offline ?? undefined}
                onClick={() => settle.mutate({ id: one.id, again: true })}
              >
                Retry
              </Button>
              <Button
                small
                look="quiet"
                disabled={offline !== null}
                title={offline ?? undefined}
                onClick={() => settle.mutate({ id: one.id, again: false })}
              >
                Drop
              </Button>
            </li>
          ))}
          {dead.data?.after != null && <li className="dim">There are more than {SHOWN}.</li>}
        </ul>
      )}
    </Part>
  )
}
