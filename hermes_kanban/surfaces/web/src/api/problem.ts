import { sentence } from '@/kit/sentences'
import type { components } from './schema'

export type ProblemBody = components['schemas']['ProblemBody']

/** What the server refused, or that it could not be reached (`status` 0). */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly instead: string | null
  readonly field: string | null
  readonly holder: string | null

  constructor(body: Partial<ProblemBody> & { detail: string; status: number }) {
    super(body.detail)
    this.name = 'Problem'
    this.status = body.status
    this.code = body.code ?? 'unreachable'
    this.instead = body.instead ?? null
    this.field = body.field ?? null
    this.holder = body.holder ?? null
  }

  /** The whole of it in sentences: what did not happen, and what to do. */
  get sentence(): string {
    const told = sentence(this.message)
    const isSaid = this.instead === null || this.message.includes(this.instead)
    return isSaid ? told : `${told} ${sentence(this.instead ?? '')}`
  }
}

/** What a problem+json answer says; an answer in another form is told by its status. */
export function problemOf(status: number, body: unknown): Problem {
  if (typeof body === 'object' && body !== null && 'detail' in body) {
    return new Problem({ ...(body as ProblemBody), status })
  }
  return new Problem({ status, code: 'unknown', detail: `the server answered ${status}` })
}

/** Any error as a sentence for people. */
export function sentenceOf(error: unknown): string {
  if (error instanceof Problem) return error.sentence
  return error instanceof Error ? sentence(error.message) : String(error)
}
