import createClient, { type Client, type Middleware } from 'openapi-fetch'
import { Problem, problemOf } from './problem'
import type { paths } from './schema'
import { keepToken, token } from './session'

export const API = '/api/v1'

type Lost = (why: string) => void
const lostListeners = new Set<Lost>()

/** Calls `listener` with the reason when this session is over; returns what ends that. */
export function onSessionLost(listener: Lost): () => void {
  lostListeners.add(listener)
  return () => lostListeners.delete(listener)
}

/** Tells everybody that the session is over, and forgets its token. */
export function loseSession(why = 'The session is over.'): void {
  keepToken(null)
  for (const listener of lostListeners) listener(why)
}

const speaking: Middleware = {
  onRequest({ request }) {
    const mine = token()
    if (mine !== null) request.headers.set('X-Kanban-Token', mine)
    return request
  },
  async onResponse({ response }) {
    if (response.ok || response.status === 304) return undefined
    throw await refusal(response)
  },
  onError({ error }) {
    return unreachable(error)
  },
}

async function refusal(response: Response): Promise<Problem> {
  const body = await response.json().catch(() => null)
  const problem = problemOf(response.status, body)
  if (problem.status === 401 && problem.code === 'unauthorized') loseSession()
  return problem
}

function unreachable(error: unknown): Error {
  if (error instanceof DOMException && error.name === 'AbortError') return error
  return new Problem({
    status: 0,
    detail: 'the board does not answer',
    instead: 'start it with: hermes-kanban gateway run',
  })
}

const AGAIN_MILLISECONDS = [250, 1_000]

/**
 * Sends a request again where the network failed it, as while a gateway is started anew. Each has a
 * key of its own by which the server knows a repeat, so that nothing is done twice.
 */
async function steadyFetch(asked: Request): Promise<Response> {
  if (asked.method === 'POST' && !asked.headers.has('Idempotency-Key')) {
    asked.headers.set('Idempotency-Key', newKey())
  }
  for (const wait of AGAIN_MILLISECONDS) {
    try {
      return await fetch(asked.clone())
    } catch (error) {
      if (asked.signal.aborted || !(error instanceof TypeError)) throw error
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
  return fetch(asked)
}

/** A new name for an attempt, by which the server knows a repeat of it. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

const clients = new Map<string, Client<paths>>()

/** The address of something of a board below that of the API; each part is encoded. */
export function boardPath(board: string, ...parts: (string | number)[]): string {
  return ['/boards', ...[board, ...parts].map(encodeURIComponent)].join('/')
}

/** The client of one board. A refused request throws a Problem, so its data is always there. */
export function boardClient(board: string): Client<paths> {
  const known = clients.get(board)
  if (known !== undefined) return known
  const made = createClient<paths>({
    baseUrl: API + boardPath(board),
    fetch: steadyFetch,
    querySerializer: { array: { style: 'form', explode: true } },
  })
  made.use(speaking)
  clients.set(board, made)
  return made
}

/** What an answer holds; the client threw where there is none. */
export function held<T>(answer: { data?: T }): T {
  return answer.data as T
}

/** A request that is about no board or whose body is a file. Throws a Problem. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers)
  const mine = token()
  if (mine !== null) headers.set('X-Kanban-Token', mine)
  const response = await fetch(API + path, { ...init, headers }).catch((error: unknown) => {
    throw unreachable(error)
  })
  if (!response.ok) throw await refusal(response)
  return response
}

/** `request` with JSON in and out. */
export async function json<T>(path: string, method = 'GET', body?: unknown): Promise<T> {
  const init: RequestInit = { method }
  if (body !== undefined) {
    init.body = JSON.stringify(body)
    init.headers = { 'Content-Type': 'application/json' }
  }
  return (await (await request(path, init)).json()) as T
}
