/** Three bars; nothing below medium, where there is nothing to see. `word` is said to readers. */
export function Priority({ value, word }: { value: number; word: string }) {
  if (value < 2) return null
  return (
    <span className="priority" title={`Priority: ${word}`}>
      <PriorityBars value={value} />
      <span className="hidden-words">priority {word}</span>
    </span>
  )
}

/** The bars alone; a mark above them on the highest. */
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
      {value > 3 && <rect x="0.500" y="1" width="6" height="2.4" rx="0.6" fill="currentColor" />}
    </svg>
  )
}
