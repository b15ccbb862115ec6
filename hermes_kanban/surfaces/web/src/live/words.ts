/** What is said over the live socket; docs/rest.md says what follows what. */

import type { ProblemBody } from '@/api/problem'
import type { Card, Event, Gateway } from '@/api/types'

export type Said =
  | { op: 'subscribe'; board: string; after?: number; board_id?: string; cards?: boolean }
  | { op: 'unsubscribe'; board: string }
  | { op: 'log'; board: string; run_id: number; place?: string; lines?: number; colours?: boolean }
  | { op: 'unlog'; board: string; run_id: number }
  | { op: 'ping'; id: number }

export interface EventsMessage {
  type: 'events'
  board: string
  events: Event[]
  cursor: number
  more: boolean
  cards: Card[] | null
  gone: string[] | null
}

export interface LogMessage {
  type: 'log'
  board: string
  run_id: number
  lines: string[]
  place: string | null
  anew: boolean
  over: boolean
}

export type Told =
  | { type: 'hello'; actor: string; version: string; boards: string[]; now: number }
  | { type: 'subscribed'; board: string; board_id: string; cursor: number }
  | { type: 'reset'; board: string; board_id: string; cursor: number; why: string }
  | EventsMessage
  | { type: 'presence'; board: string; gateway: Gateway | null; now: number }
  | LogMessage
  | { type: 'gone'; board: string; why: string }
  | { type: 'problem'; problem: ProblemBody; op?: string; board?: string; run_id?: number }
  | { type: 'pong'; id: number; now: number }
