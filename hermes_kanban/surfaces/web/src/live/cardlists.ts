/** Lists of cards, page after page, and how a card that came live finds its place in them. */

import type { Card, CardPage, Status } from '@/api/types'

export type Order = 'oldest' | 'newest' | 'queue' | 'completed'

/** What a list of cards was asked for; a filter in the words of the server. */
export interface Asked {
  status?: Status[]
  assignee?: string[]
  tenant?: string[]
  ids?: string[]
  text?: string
  needs_you?: boolean
  min_priority?: number
  order?: Order
}

export interface Pages {
  pages: CardPage[]
  pageParams: unknown[]
}

/** Whether the card belongs in the list; null where only the server can tell. */
export function belongs(card: Card, asked: Asked): boolean | null {
  const statuses = asked.status ?? []
  if (
    statuses.length > 0 ? !statuses.some((one) => one === card.status) : card.status === 'archived'
  )
    return false
  if (!isOne(asked.assignee, card.assignee) || !isOne(asked.tenant, card.tenant)) return false
  if (asked.ids !== undefined && asked.ids.length > 0 && !asked.ids.includes(card.id)) return false
  if (asked.min_priority !== undefined && card.priority < asked.min_priority) return false
  if (asked.needs_you === true && card.status !== 'blocked' && card.status !== 'review')
    return false
  return asked.text || asked.needs_you ? null : true
}

function isOne(wanted: string[] | undefined, has: string | null): boolean {
  if (wanted === undefined || wanted.length === 0) return true
  return wanted.includes(has ?? '-')
}

/** Negative where `a` stands before `b`; the order of the server. */
export function compare(a: Card, b: Card, order: Order = 'oldest'): number {
  switch (order) {
    case 'oldest':
      return a.seq - b.seq
    case 'newest':
      return b.seq - a.seq
    case 'queue':
      return b.effective_priority - a.effective_priority || a.seq - b.seq
    case 'completed':
      return (b.completed_at ?? 0) - (a.completed_at ?? 0) || b.seq - a.seq
  }
}

/**
 * The pages with `card` in its place, or without it where `is_in` is false. The same object where
 * nothing changes. A card that belongs beyond the last page that was read is left to that page.
 */
export function place(pages: Pages, card: Card, isIn: boolean, order?: Order): Pages {
  const at = pages.pages.findIndex((page) => page.cards.some((one) => one.id === card.id))
  if (at >= 0 && isIn) {
    const old = pages.pages[at]?.cards.find((one) => one.id === card.id)
    if (old !== undefined && compare(old, card, order) === 0) {
      return withPage(pages, at, (cards) => cards.map((one) => (one.id === card.id ? card : one)))
    }
  }
  const without = at < 0 ? pages : remove(pages, card.id)
  return isIn ? insert(without, card, order) : without
}

/** The pages without that card. */
export function remove(pages: Pages, id: string): Pages {
  const at = pages.pages.findIndex((page) => page.cards.some((one) => one.id === id))
  if (at < 0) return pages
  return withPage(pages, at, (cards) => cards.filter((one) => one.id !== id))
}

function insert(pages: Pages, card: Card, order: Order | undefined): Pages {
  const last = pages.pages.length - 1
  for (const [index, page] of pages.pages.entries()) {
    const before = page.cards.findIndex((one) => compare(card, one, order) < 0)
    const isEnd = index === last && page.after === null
    if (before < 0 && !isEnd) continue
    const at = before < 0 ? page.cards.length : before
    return withPage(pages, index, (cards) => cards.toSpliced(at, 0, card))
  }
  return pages
}

function withPage(pages: Pages, at: number, change: (cards: Card[]) => Card[]): Pages {
  const changed = pages.pages.map((page, index) =>
    index === at ? { ...page, cards: change(page.cards) } : page,
  )
  return { ...pages, pages: changed }
}
