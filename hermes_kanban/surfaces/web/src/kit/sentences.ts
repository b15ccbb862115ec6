/** Words of the server and of the page made into sentences. */

/** With a large first letter; an id or a quoted word keeps its own. */
export function capital(text: string): string {
  return /^(t_|`|"|\/)/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1)
}

/** As a sentence, on one line: what has no end gets a full stop. */
export function sentence(text: string): string {
  const told = capital(text.replace(/\s+/g, ' ').trim())
  return told === '' || /[.!?]$/.test(told) ? told : `${told}.`
}

/** The name of a status as it stands over its column. */
export const statusName: (status: string) => string = capital

/** `text` without the list of answers at its end, which buttons show; all of it where it is no more. */
export function withoutChoices(text: string, choices: readonly string[]): string {
  if (choices.length === 0) return text
  const lines = text.trimEnd().split(/\r?\n/)
  const isList = lines
    .slice(-choices.length)
    .every((line, index) => line.trimEnd().endsWith(choices[index] ?? '\n'))
  const asked = lines.slice(0, -choices.length).join('\n').trim()
  return isList && asked !== '' ? asked : text
}

/** What the id of a task looks like, to be found within a text. */
export const TASK_ID = 't_[a-z0-9]{4,32}'
