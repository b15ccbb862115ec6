import { CirclePause, Clock } from 'lucide-react'
import { Tip } from '@/kit/Button'
import { useWhyNothingStarts } from './ofAll'

/** What keeps every ready task from starting, said once in the head of their column. */
export function HeldByAll() {
  const told = useWhyNothingStarts()
  if (told === null) return null
  const { sentence, isStopped } = told
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
