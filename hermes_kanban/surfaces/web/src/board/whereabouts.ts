/** Where cards went that left a list: what the events of this page's time say of them. */

import { statusOf } from '@/api/types'
import { onEvents } from '@/live/board'
import { statusWord } from './words'

const words = new Map<string, string>()

onEvents((message) => {
  for (const card of message.cards ?? []) words.set(card.id, statusWord(statusOf(card)))
  for (const id of message.gone ?? []) words.set(id, '')
})

/** "moved to Done", "gone", or that it is elsewhere. */
export function wentWhere(id: string, from: string): string {
  const word = words.get(id)
  if (word === '') return 'gone'
  return word === undefined || word === from ? 'elsewhere' : `moved to ${word}`
}
