import { useQuery } from '@tanstack/react-query'
import { held } from '@/api/client'
import { useBoard, useClient } from '@/app/board'
import { useOpenTask } from '@/app/places'
import { Age } from '@/kit/Age'
import { Button } from '@/kit/Button'
import { Part } from '@/kit/Facts'
import { keys } from '@/live/keys'

const SHOWN = 20

/** Tasks that should start and do not, by reason, with what lifts each. */
export function Stuck({ stuck, at }: { stuck: Record<string, string[]>; at: number }) {
  const reasons = Object.entries(stuck)
  if (reasons.length === 0) return null
  return (
    <Part
      title="Stuck"
      fresh={
        <>
          as of the tick <Age at={at} /> ago
        </>
      }
    >
      <p className="part-note">These tasks should start and do not.</p>
      <div className="boxed">
        {reasons.map(([code, ids]) => (
          <Reason key={code} code={code} ids={ids} />
        ))}
      </div>
    </Part>
  )
}

function Reason({ code, ids }: { code: string; ids: string[] }) {
  const { slug } = useBoard()
  const client = useClient()
  const openTask = useOpenTask()
  const first = ids.slice(0, SHOWN)
  const why = useQuery({
    queryKey: keys.slow(slug, 'why', first),
    queryFn: async () => held(await client.GET('/why', { params: { query: { ids: first } } })),
  })
  return (
    <section className="stuck-reason">
      <h3>
        {code.replaceAll('_', ' ')} <span className="dim">{ids.length}</span>
      </h3>
      <ul>
        {first.map((id) => {
          const holds = why.data?.tasks.find((one) => one.id === id)?.holds ?? []
          const hold = holds.find((one) => one.code === code) ?? holds[0]
          return (
            <li key={id}>
              <Button small onClick={() => openTask(id)}>
                {id}
              </Button>
              <span>
                {hold?.text ?? 'It has started since.'}
                {hold !== undefined && <small>Lifted by: {hold.lifted_by}</small>}
              </span>
            </li>
          )
        })}
        {ids.length > SHOWN && <li className="dim">and {ids.length - SHOWN} more</li>}
      </ul>
    </section>
  )
}
