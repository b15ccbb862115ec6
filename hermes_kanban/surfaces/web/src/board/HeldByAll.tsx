import { useQuery } from '@tanstack/react-query'
import { CirclePause, Clock } from 'lucide-react'
import { held } from '@/api/client'
import type { Health } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { Tip } from '@/kit/Button'
import { keys } from '@/live/keys'

/** What keeps every ready task from starting, said once in the head of their column. */
export function HeldByAll() {
  const { slug, gateway } = useBoard()
  const client = useClient()
  const health = useQuery({
    queryKey: keys.slow(slug, 'health'),
    queryFn: async () => held(await client.GET('/health')),
  })
  const told = whyNothingStarts(health.data, gateway === null)
  if (told === null) return null
  const [sentence, isStopped] = told
  const Icon = isStopped ? CirclePause : Clock
  return (
    <Tip text={sentence}>
      <span className="column-held st ready">
        <Icon className="i" aria-hidden="true" />
        <span className="hidden-words">{sentence}</span>
      </span>
    </Tip>
  )
}

/** The sentence, and whether only a person changes that. */
function whyNothingStarts(health: Health | undefined, isAlone: boolean): [string, boolean] | null {
  if (isAlone) return ['Nothing starts: no gateway. You start it.', true]
  if (health === undefined) return null
  if (health.paused_at !== null) return ['The board is paused. You resume it.', true]
  if (health.in_progress < health.max_in_progress) return null
  return [
    `All ${health.max_in_progress} places are taken. The next run that ends frees one.`,
    false,
  ]
}
