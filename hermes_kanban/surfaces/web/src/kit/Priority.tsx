/** What priorities are called; higher runs first. */
export const PRIORITIES: readonly { value: number; name: string }[] = [
  { value: 0, name: 'None' },
  { value: 1, name: 'Low' },
  { value: 2, name: 'Medium' },
  { value: 3, name: 'High' },
  { value: 4, name: 'Urgent' },
]

/** "High"; a priority without a name is its number. */
export function priorityName(value: number): string {
  return PRIORITIES.find((one) => one.value === value)?.name ?? String(value)
}

/** Three bars; nothing below medium, where there is nothing to see. */
export function Priority({ value }: { value: number }) {
  if (value < 2) return null
  return (
    <span className="priority" title={`Priority: ${priorityName(value)}`}>
      <PriorityBars value={value} />
      <span className="hidden-words">Priority {priorityName(value)}</span>
    </span>
  )
}

/** The bars alone; a fourth mark on the highest. */
export function PriorityBars({ value }: { value: number }) {
  const filled = Math.min(value, 3)
  return (
    <svg className="i" viewBox="0 0 14 14" width="12" height="12" aria-hidden="true">
      {[8, 5, 2].map((top, index) => (
        <rect
          key={top}
          x={1.5 + index * 4.1}
          y={top}
          width="2.8"
          height={12.5 - top}
          rx="0.6"
          fill="currentColor"
          opacity={index < filled ? 1 : 0.3}
        />
      ))}
      {value > 3 && <rect x="0" y="0" width="6" height="2.4" rx="0.6" fill="currentColor" />}
    </svg>
  )
}
