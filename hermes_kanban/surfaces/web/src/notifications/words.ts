/** Subscriptions in words: what is told, where it goes, and how. */

import type { Subscription } from '../api/types.ts'
import { age } from '../kit/time.ts'

export const SCHEMES = {
  matrix: 'Matrix',
  telegram: 'Telegram',
  slack: 'Slack',
  discord: 'Discord',
  webhook: 'Webhook',
  email: 'Mail',
  apprise: 'Apprise',
  desktop: 'Desktop',
  log: 'Gateway log',
  command: 'Command',
  wake: 'Wakes',
} as const
export type Scheme = keyof typeof SCHEMES

/** The kind of a destination: what stands before its first colon. */
export function schemeOf(destination: string): Scheme | null {
  const [word = ''] = destination.split(':', 1)
  return word in SCHEMES ? (word as Scheme) : null
}

/** What kind of destination it is and which: "Matrix", "#ops:example.org". */
export function destinationWords(destination: string): { kind: string; which: string } {
  const scheme = schemeOf(destination)
  if (scheme === null) return { kind: destination, which: '' }
  return { kind: SCHEMES[scheme], which: destination.slice(scheme.length + 1) }
}

/** A destination in one phrase: "Matrix #ops:example.org". */
export function destinationPhrase(destination: string): string {
  const { kind, which } = destinationWords(destination)
  return which === '' ? kind : `${kind} ${which}`
}

interface Filter {
  kinds?: string[]
  assignee?: string[]
  tenant?: string[]
  tasks?: string[]
}

/** What of the events is told: "what needs a person or ends a task, of backend". */
export function filterWords(given: Subscription['filter']): string {
  const { kinds = ['attention'], assignee, tenant, tasks } = (given ?? {}) as Filter
  return [
    kindsWords(kinds),
    ...listed('of', assignee),
    ...listed('for', tenant),
    ...listed('only', tasks),
  ].join(', ')
}

function kindsWords(kinds: readonly string[]): string {
  if (kinds.includes('all')) return 'everything'
  const others = kinds.filter((one) => one !== 'attention').map(kindWords)
  const words = kinds.includes('attention') ? ['what needs a person or ends a task'] : []
  return [...words, ...others].join(', ')
}

/** A kind of event as people read it: "review requested". */
export function kindWords(kind: string): string {
  return kind.replaceAll('_', ' ')
}

function listed(before: string, names: readonly string[] | undefined): string[] {
  return names === undefined || names.length === 0 ? [] : [`${before} ${either(names)}`]
}

function either(names: readonly string[]): string {
  return names.length === 1
    ? (names[0] ?? '')
    : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

interface Options {
  inherit?: boolean
  digest_seconds?: number
  quiet?: { from: string; to: string; zone: string }
  wake?: string
}

/** Whether it is about a task with all that comes below it. */
export function isOfTree(of: Pick<Subscription, 'options' | 'root_id'>): boolean {
  return of.root_id === null && ((of.options ?? {}) as Options).inherit === true
}

/** How it is told: "one message for 15 min, quiet 22:00 to 07:00 (Europe/Berlin)". */
export function howWords(of: Pick<Subscription, 'mode' | 'options'>): string {
  const { digest_seconds: digest, quiet, wake } = (of.options ?? {}) as Options
  const words = [
    ...(of.mode === 'notify_and_wake' && wake !== undefined ? [`wakes ${wake}, too`] : []),
    ...(digest === undefined ? [] : [`one message for ${age(digest)}`]),
    ...(quiet === undefined ? [] : [`quiet ${quiet.from} to ${quiet.to} (${quiet.zone})`]),
  ]
  return words.length === 0 ? 'at once' : words.join(', ')
}
