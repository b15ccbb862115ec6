/** Settings as lines to read: a value in words, and the variable that sets it. */

export const SECTIONS = [
  { section: 'kanban', title: 'kanban' },
  { section: 'logging', title: 'logging' },
  { section: 'web', title: 'web' },
] as const

export type Section = (typeof SECTIONS)[number]['section']

export interface Row {
  name: string
  text: string
  /** Nothing is set: the text says so. */
  unset: boolean
  variable: string | null
}

/** A section's settings in their own order. */
export function rowsOf(
  section: Section,
  values: Record<string, unknown>,
  variables: readonly string[],
): Row[] {
  return Object.entries(values).map(([name, value]) => {
    const variable = variableOf(section, name)
    return {
      name,
      ...inWords(value),
      variable: variables.includes(variable) ? variable : null,
    }
  })
}

function variableOf(section: Section, name: string): string {
  const part = section === 'kanban' ? '' : `${section.toUpperCase()}_`
  return `HERMES_KANBAN_${part}${name.toUpperCase()}`
}

function inWords(value: unknown): { text: string; unset: boolean } {
  if (value === null || value === '') return { text: 'not set', unset: true }
  if (typeof value === 'boolean') return { text: value ? 'yes' : 'no', unset: false }
  if (Array.isArray(value)) {
    return value.length === 0
      ? { text: 'none', unset: true }
      : { text: value.join(', '), unset: false }
  }
  if (typeof value === 'object') {
    const parts = Object.entries(value).map(([name, one]) => `${name}: ${String(one)}`)
    return parts.length === 0
      ? { text: 'none', unset: true }
      : { text: parts.join(', '), unset: false }
  }
  return { text: String(value), unset: false }
}
