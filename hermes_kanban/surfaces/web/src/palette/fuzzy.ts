/** How well a command is called by what was typed. */

const WORD_START = 8
const IN_A_ROW = 5
const ANYWHERE = 1
const LONG_AGO = 0.05

/**
 * Higher is better; null where the letters are not all there in their order. Words may be typed by
 * their beginnings: "gt" finds "Go to the timeline", and so does "time".
 */
export function score(typed: string, words: string): number | null {
  const wanted = typed.toLowerCase().replaceAll(/\s+/g, '')
  if (wanted === '') return 0
  const text = words.toLowerCase()
  const whole = text.indexOf(typed.toLowerCase().trim())
  if (whole >= 0) {
    const atStart = whole === 0 || isBoundary(text, whole)
    return (
      wanted.length * (WORD_START + IN_A_ROW) + (atStart ? WORD_START * 2 : 0) - whole * LONG_AGO
    )
  }
  return scattered(wanted, text)
}

/** The best way to find the letters one after the other, each as early in a word as can be. */
function scattered(wanted: string, text: string): number | null {
  let total = 0
  let at = -1
  let row = false
  for (const letter of wanted) {
    const next: number = row && text[at + 1] === letter ? at + 1 : findStart(text, letter, at + 1)
    if (next < 0) return null
    row = next === at + 1
    total += isBoundary(text, next) ? WORD_START : row ? IN_A_ROW : ANYWHERE
    at = next
  }
  // Letters strewn over a text are no abbreviation of it.
  const least = wanted.length * (wanted.length > 2 ? IN_A_ROW : ANYWHERE)
  return total >= least ? total - text.length * LONG_AGO : null
}

/** The letter at the next start of a word, else wherever it comes next; -1 where it does not. */
function findStart(text: string, letter: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === letter && isBoundary(text, at)) return at
  }
  return text.indexOf(letter, from)
}

function isBoundary(text: string, at: number): boolean {
  return at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? '')
}

/** Those that match, the best first; those that match alike stay in their order. */
export function ranked<T>(typed: string, all: readonly T[], wordsOf: (one: T) => string): T[] {
  return all
    .map((one, place) => ({ one, place, points: score(typed, wordsOf(one)) }))
    .filter((one): one is typeof one & { points: number } => one.points !== null)
    .sort((a, b) => b.points - a.points || a.place - b.place)
    .map(({ one }) => one)
}
