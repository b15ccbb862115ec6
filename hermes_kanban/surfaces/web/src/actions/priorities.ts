/** Priorities in words. On the board a priority is a whole number, and a higher one runs first. */

export interface PriorityWord {
  priority: number
  word: string
}

/** The priorities that have a word, the most urgent first. */
export const PRIORITIES: readonly PriorityWord[] = [
  { priority: 4, word: 'urgent' },
  { priority: 3, word: 'high' },
  { priority: 2, word: 'medium' },
  { priority: 1, word: 'low' },
  { priority: 0, word: 'none' },
]

/** "high"; a number that has no word is told as it is: "7", "−2". */
export function priorityWord(priority: number): string {
  const known = PRIORITIES.find((one) => one.priority === priority)
  return known?.word ?? String(priority).replace('-', '\u2212')
}
