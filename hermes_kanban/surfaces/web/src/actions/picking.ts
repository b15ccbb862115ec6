/** Which options are left by what was typed, and which is next. */

import type { PickOption, PickQuestion } from './asking'

/** The options whose words begin with what was typed come first, then those that hold it. */
export function optionsFor(
  question: Pick<PickQuestion, 'options' | 'other'>,
  typed: string,
): PickOption[] {
  const wanted = typed.trim().toLowerCase()
  if (wanted === '') return [...question.options]
  const labelled = question.options.map((one) => ({ one, label: one.label.toLowerCase() }))
  const begins = labelled.filter(({ label }) => label.startsWith(wanted))
  const holds = labelled.filter(
    ({ one, label }) =>
      !label.startsWith(wanted) && `${label} ${one.told ?? ''}`.toLowerCase().includes(wanted),
  )
  const found = [...begins, ...holds].map(({ one }) => one)
  const isCalledSo = found.some((one) => one.label.toLowerCase() === wanted)
  const other = isCalledSo ? null : (question.other?.(typed.trim()) ?? null)
  return other === null ? found : [...found, other]
}

/** The place of the next option that can be chosen, going round; -1 where there is none. */
export function nextPlace(options: readonly PickOption[], from: number, step: 1 | -1): number {
  for (let tried = 1; tried <= options.length; tried += 1) {
    const at = (from + step * tried + options.length * tried) % options.length
    const option = options[at]
    if (option !== undefined && !option.whyNot) return at
  }
  return -1
}
