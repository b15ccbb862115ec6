const PAIRS = ['ready', 'triage', 'done', 'review', 'running', 'blocked'] as const

/** Whether a name is of a person (`person:mara`) rather than a profile. */
export function isPerson(name: string): boolean {
  return name.startsWith('person:')
}

/** The name as people say it: without the kind that stands before it. */
export function plainName(name: string): string {
  return name.replace(/^(person|profile|run|worker|gateway):/, '')
}

/** Two letters on a square for a profile, one on a circle for a person; the name stands beside it. */
export function Avatar({ name, large = false }: { name: string; large?: boolean }) {
  const plain = plainName(name)
  const person = isPerson(name)
  const pair = PAIRS[hash(plain) % PAIRS.length]
  const classes = ['avatar', pair, person ? 'person' : '', large ? 'large' : '']
  return (
    <span className={classes.filter(Boolean).join(' ')} aria-hidden="true">
      {letters(plain, person)}
    </span>
  )
}

function letters(name: string, person: boolean): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean)
  const [first = '?', second] = words
  if (person) return first.slice(0, 1).toUpperCase()
  const two = second === undefined ? first.slice(0, 2) : first.slice(0, 1) + second.slice(0, 1)
  return two.toUpperCase()
}

function hash(text: string): number {
  let sum = 0
  for (const letter of text) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0
  return sum
}
