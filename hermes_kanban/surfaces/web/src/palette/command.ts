import type { ReactNode } from 'react'

/** One line of the palette. */
export interface Command {
  id: string
  label: string
  icon: ReactNode
  /** Beside the label on the right, quiet: an id. */
  told?: string
  /** The keys that do the same, each in a box of its own. */
  keys?: readonly string[]
  /** Other words that find it. */
  also?: string
  /** The task that it opens: Tab shows what can be done with that. */
  taskId?: string
  run: () => void
}

export interface Group {
  title: string
  commands: Command[]
}

/** The words by which a command is found. */
export function wordsOf({ label, also }: Command): string {
  return also === undefined ? label : `${label} ${also}`
}
