/** Why a card waits, in one sentence with whoever lifts it. Pure: tested with node. */

import type { Card, Hold } from '../api/types.ts'
import { capital, sentence, withoutChoices } from '../kit/sentences.ts'
import { clockTime } from '../kit/time.ts'

export type Mark = 'person' | 'error' | 'clock' | 'quiet'

/** `before`, then the lifter, which stands out, then `after`; `until` counts down in its place. */
export interface Why {
  mark: Mark
  before: string
  lifter: string
  after: string
  until?: number
}

/** Holds that may be of the whole board: said once above a column, not on each of its cards. */
export const OF_ALL: readonly string[] = ['paused', 'max_in_progress', 'disk', 'draining']

/** Whether the server is to be asked why this card waits; its own fields do not say it all. */
export function asksWhy(card: Card): boolean {
  return card.status === 'ready' || card.status === 'triage'
}

/** The sentence for a card, null where there is nothing to say; `above` are holds that are said there. */
export function whyOf(
  card: Card,
  holds: readonly Hold[],
  now: number,
  above: readonly string[] = OF_ALL,
): Why | null {
  switch (card.status) {
    case 'blocked':
      return ofBlocked(card, now)
    case 'triage':
      return ofTriage(holds)
    case 'ready':
      return ofReady(card, holds, now, above)
    default:
      return null
  }
}

function ofBlocked(card: Card, now: number): Why {
  const reason = question(card)
  if (card.state === 'error') {
    const fact = `Gave up after ${card.failures} of ${card.attempts}.`
    return { mark: 'error', before: fact, lifter: 'You', after: 'retry or reassign.' }
  }
  switch (card.block_kind) {
    case 'needs_input':
      return { mark: 'person', before: '', lifter: 'You', after: `answer: ${reason}` }
    case 'capability':
      return {
        mark: 'person',
        before: '',
        lifter: 'You',
        after: `give it what it lacks: ${reason}`,
      }
    case 'transient': {
      const at = card.eligible_at
      const when = at !== null && at > now ? `retries at ${clockTime(at, now)}` : 'retries'
      return { mark: 'clock', before: '', lifter: 'Board', after: `${when}: ${reason}` }
    }
    default:
      return { mark: 'person', before: '', lifter: 'You', after: `decide: ${reason}` }
  }
}

/** What is asked, without the list of answers, which are buttons. */
function question(card: Card): string {
  return withoutChoices(card.block_reason ?? '', card.choices)
    .replace(/\s+/g, ' ')
    .trim()
}

function ofTriage(holds: readonly Hold[]): Why | null {
  const hold = holds[0]
  // That a person accepts it is what the column says.
  if (hold === undefined || hold.code === 'unaccepted') return null
  return { mark: 'person', before: '', lifter: 'You', after: `decide: ${hold.text}` }
}

function ofReady(
  card: Card,
  holds: readonly Hold[],
  now: number,
  above: readonly string[],
): Why | null {
  // These two are on the card, and so are there before the server has answered.
  if (card.scheduled_at !== null && card.scheduled_at > now) {
    const at = clockTime(card.scheduled_at, now)
    return { mark: 'clock', before: '', lifter: 'Board', after: `starts it at ${at}.` }
  }
  if (card.eligible_at !== null && card.eligible_at > now) {
    const attempt = card.failures > 0 ? `, backing off after attempt ${card.runs}` : ''
    const until = card.eligible_at
    return { mark: 'clock', before: 'Starts in', lifter: '', after: attempt, until }
  }
  const told = holds.filter(({ code }) => !above.includes(code) && !ON_CARD.includes(code))
  // Where it runs is no reason while there is one why it does not.
  const hold = told.find(({ code }) => code !== 'elsewhere') ?? told[0]
  if (hold === undefined) return null
  return READY[hold.code]?.(card, hold) ?? other(hold)
}

const ON_CARD = ['scheduled', 'backing_off']

const READY: Record<string, (card: Card, hold: Hold) => Why> = {
  unassigned: () => ({
    mark: 'person',
    before: '',
    lifter: 'You',
    after: 'assign it to a profile.',
  }),
  no_profile: (card) => ({
    mark: 'person',
    before: `There is no profile ${card.assignee}.`,
    lifter: 'You',
    after: 'assign another.',
  }),
  profile_cap: (card) => ({
    mark: 'clock',
    before: 'A run of',
    lifter: card.assignee ?? 'its profile',
    after: 'ends: all its places are taken.',
  }),
  tenant_cap: (card) => ({
    mark: 'clock',
    before: 'A run of tenant',
    lifter: card.tenant ?? '',
    after: 'ends: all its places are taken.',
  }),
  resource: (_, hold) => ({
    mark: 'clock',
    before: sentence(hold.text),
    lifter: 'A run',
    after: 'that uses it ends.',
  }),
  earlier_process: () => ({
    mark: 'clock',
    before: '',
    lifter: 'Board',
    after: 'stops the process of its earlier run.',
  }),
  no_host: (_, hold) => ({
    mark: 'person',
    before: sentence(hold.text),
    lifter: 'A host',
    after: 'that can run it joins.',
  }),
  elsewhere: (_, hold) => ({
    mark: 'clock',
    before: sentence(hold.text),
    lifter: 'That host',
    after: 'starts it at its next look.',
  }),
  draining: (_, hold) => ({
    mark: 'person',
    before: '',
    lifter: 'You',
    after: `resume a host: ${hold.text}`,
  }),
  max_in_progress: (_, hold) => ({
    mark: 'clock',
    before: sentence(hold.text),
    lifter: 'A run',
    after: 'there ends.',
  }),
  folder_in_use: (_, hold) => ({
    mark: 'clock',
    before: sentence(hold.text),
    lifter: 'That run',
    after: 'ends.',
  }),
}

/** A hold that has no words of its own here: the server's. */
function other(hold: Hold): Why {
  return { mark: 'clock', before: sentence(hold.text), lifter: capital(hold.lifted_by), after: '' }
}
