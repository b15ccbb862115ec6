/** A text that a person edits while others may edit it too. */

export interface Editing {
  /** What it said when the edit began. */
  base: string
  text: string
}

export type Standing =
  /** Nothing was changed here. */
  | 'same'
  /** Changed here only. */
  | 'mine'
  /** Changed elsewhere, and not here. */
  | 'theirs'
  /** Changed here and elsewhere, each in another way. */
  | 'conflict'

/** How what is typed stands to what the board has now. */
export function standing({ base, text }: Editing, now: string): Standing {
  const isMine = text !== base && text !== now
  if (now === base) return isMine ? 'mine' : 'same'
  if (text === now) return 'same'
  return text === base ? 'theirs' : 'conflict'
}
