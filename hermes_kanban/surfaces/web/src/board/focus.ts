/** Moving the focus to a card, wherever it is in its column. */

import type { Grid } from './grid'
import { listOf } from './grid'
import { setFocused } from './selection'

const MOST_FRAMES = 12

/** The element of a card, null while it is not rendered. */
export function cardElement(id: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-card="${CSS.escape(id)}"]`)
}

/** Scrolls to the card and focuses it, as soon as it is rendered. */
export function focusCard(grid: Grid, id: string): void {
  setFocused(id)
  listOf(grid.lists(), id)?.reveal(id)
  let frames = 0
  const look = () => {
    const found = cardElement(id)
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
