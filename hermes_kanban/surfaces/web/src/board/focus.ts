/** Moving the focus to a card, wherever it is in its column. */

import type { Grid } from './grid'
import { listOf } from './grid'
import { setFocused } from './selection'

const MOST_FRAMES = 12

/** The element of a card, or of the place that it left in that column; null if not rendered. */
export function cardElement(id: string, column?: string): HTMLElement | null {
  const where = column === undefined ? ':not(.is-gone)' : ''
  const within = column === undefined ? '' : `[data-column="${column}"] `
  return document.querySelector<HTMLElement>(`${within}[data-card="${CSS.escape(id)}"]${where}`)
}

/** The card that has the focus, itself or within, and its column. */
export function cardInFocus(): { id: string; column: string } | null {
  const card = document.activeElement?.closest<HTMLElement>('[data-card]')
  const column = card?.closest<HTMLElement>('[data-column]')?.dataset.column
  const id = card?.dataset.card
  return id === undefined || column === undefined ? null : { id, column }
}

/** Scrolls to the card and focuses it, as soon as it is rendered. */
export function focusCard(grid: Grid, id: string, column?: string): void {
  setFocused(id)
  const lists = grid.lists()
  const list = column === undefined ? listOf(lists, id) : undefined
  for (const one of lists) {
    if (one === list || (one.column === column && one.ids().includes(id))) one.reveal(id)
  }
  let frames = 0
  const look = () => {
    const found = cardElement(id, column)
    if (found !== null) {
      found.focus({ preventScroll: true })
      found.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    } else if (frames < MOST_FRAMES) {
      frames += 1
      requestAnimationFrame(look)
    }
  }
  look()
}

/** The card of a column that is at the height of an element; null where none is rendered. */
export function cardAtHeight(column: string, of: HTMLElement | null): string | null {
  const middle = of === null ? 0 : middleOf(of)
  const found = [
    ...document.querySelectorAll<HTMLElement>(`[data-column="${column}"] [data-card]`),
  ].map((card) => ({ id: card.dataset.card ?? '', off: Math.abs(middleOf(card) - middle) }))
  return found.toSorted((a, b) => a.off - b.off)[0]?.id ?? null
}

function middleOf(element: HTMLElement): number {
  const { top, height } = element.getBoundingClientRect()
  return top + height / 2
}
