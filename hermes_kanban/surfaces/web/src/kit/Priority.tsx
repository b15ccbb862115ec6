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

/** The bars alone; the highest is a mark of its own. */
export function PriorityBars({ value }: { value: number }) {
  return (
    <svg className="i" viewBox="0 0 14 14" width="12" height="12" aria-hidden="true">
      {value > 3 ? <Urgent /> : <Bars filled={value} />}
    </svg>
  )
}

function Bars({ filled }: { filled: number }) {
  return [8, 5, 2].map((top, index) => (
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
  ))
}

function Urgent() {
  return (
    <>
      <rect x="1" y="1" width="12" height="12" rx="2.5" fill="currentColor" />
      <path
        d="M7 3.8v3.8M7 10.100v.1"
        stroke="var(--surface)"
        strokeWidth="1.700"
        strokeLinecap="round"
      />
    </>
  )
}
