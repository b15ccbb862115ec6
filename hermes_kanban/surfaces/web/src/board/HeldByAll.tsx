import { CirclePause, Clock } from 'lucide-react'
import type { Health } from '@/api/types'
import { useBoard } from '@/app/board'
import { useHealth } from '@/app/reads'
import { Tip } from '@/kit/Button'

/** What keeps every ready task from starting, said once in the head of their column. */
export function HeldByAll() {
  const { gateway } = useBoard()
  const health = useHealth()
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
