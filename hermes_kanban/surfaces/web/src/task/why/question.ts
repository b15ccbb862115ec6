/** A question without the list of answers that ends it, where buttons show those. */

/** `text` without its last lines, one for each of the choices that the server found there. */
export function withoutChoices(text: string, choices: readonly string[]): string {
  if (choices.length === 0) return text
  const lines = text.trimEnd().split('\n')
  const ends = lines.slice(-choices.length)
  const isThem = ends.every((line, index) => line.trimEnd().endsWith(choices[index] ?? '\n'))
  return isThem ? lines.slice(0, -choices.length).join('\n').trimEnd() : text
}
