import { useQuery } from '@tanstack/react-query'
import { held } from '@/api/client'
import type { Health } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { keys } from '@/live/keys'
import { WhySentence } from './WhyBox'
import type { Why } from './why'

/** What keeps every ready task from starting, said once above them. */
export function HeldByAll() {
  const { slug, gateway } = useBoard()
  const client = useClient()
  const health = useQuery({
    queryKey: keys.slow(slug, 'health'),
    queryFn: async () => held(await client.GET('/health')),
  })
  const why = whyNothingStarts(health.data, gateway === null)
  if (why === null) return null
  return (
    <div className="column-why">
      <WhySentence why={why} status="ready" />
    </div>
  )
}

function whyNothingStarts(health: Health | undefined, isAlone: boolean): Why | null {
  if (isAlone) {
    return {
      mark: 'stop',
      before: 'Nothing starts: no gateway.',
      lifter: 'You',
      after: 'start it.',
    }
  }
  if (health === undefined) return null
  if (health.paused_at !== null) {
    return { mark: 'stop', before: 'The board is paused.', lifter: 'You', after: 'resume it.' }
  }
  if (health.in_progress >= health.max_in_progress) {
    const places = `All ${health.max_in_progress} places are taken.`
    return { mark: 'clock', before: places, lifter: 'A run', after: 'ends.' }
  }
  return null
}
