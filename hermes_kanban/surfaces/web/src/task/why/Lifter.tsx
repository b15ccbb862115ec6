import type { Hold } from '@/api/types'

/** What ends a hold: what happens by itself, or a command to take along. */
export function Lifter({ hold }: { hold: Hold }) {
  const parts = hold.lifted_by.split(
    /(hermes-kanban hosts(?: [\w.-]+){1,2}|hermes-kanban [a-z-]+(?: (?:t_[a-z0-9]+|[A-Z]+|now))*)/,
  )
  return (
    <p className="task-why-more">
      Lifted by:{' '}
      {parts.map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}
    </p>
  )
}
