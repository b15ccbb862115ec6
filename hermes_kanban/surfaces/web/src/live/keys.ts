/** The keys under which answers are kept, so that a live event finds what it makes old. */

import type { Asked } from './cardlists'
export const keys = {
  boards: ['boards'] as const,
  session: ['session'] as const,
  board: (board: string) => ['board', board] as const,
  /** All lists of cards. */
  lists: (board: string) => ['board', board, 'cards'] as const,
  /** A list of cards that live cards are put into as they come. */
  cards: (board: string, asked: unknown) => ['board', board, 'cards', asked] as const,
  allCounts: (board: string) => ['board', board, 'counts'] as const,
  counts: (board: string, asked: unknown = {}) => ['board', board, 'counts', asked] as const,
  attention: (board: string) => ['board', board, 'attention'] as const,
  /** Everything about one task; `part` is what of it. */
  task: (board: string, id: string, part = 'show') => ['board', board, 'task', id, part] as const,
  /** All of what is kept of one task. */
  wholeTask: (board: string, id: string) => ['board', board, 'task', id] as const,
  /** The graph around a task, which live cards are put into as they come. */
  tree: (board: string, root: string) => ['board', board, 'tree', root] as const,
  /** What any event may change a little, and that is read anew at leisure. */
  allSlow: (board: string) => ['board', board, 'slow'] as const,
  slow: (board: string, what: string, asked: unknown = {}) =>
    ['board', board, 'slow', what, asked] as const,
  /** What no event changes: the past, profiles, settings. */
  still: (board: string, what: string, asked: unknown = {}) =>
    ['board', board, 'still', what, asked] as const,
}

/** What the list or the counts under a key were asked for. */
export function askedOf(key: readonly unknown[]): Asked {
  return (key[3] ?? {}) as Asked
}
