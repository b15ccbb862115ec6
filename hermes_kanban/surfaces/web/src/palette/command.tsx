import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { type KeyId, shown } from '@/keys/table'

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

/** The keys of an action, each for a box of its own. */
export function boxes(id: KeyId): string[] {
  return shown(id).split(' ')
}

/** An icon as commands have it. */
export function icon(Icon: LucideIcon): ReactNode {
  return <Icon className="i" aria-hidden="true" />
}
