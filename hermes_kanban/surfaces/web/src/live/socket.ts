/**
 * The page's one socket: it lives as long as the page, and comes back by itself after sleep, a
 * restart of the server or a lost network.
 *
 * What is to be heard is kept here (`listen`), so that a new connection asks for it again from where
 * the last one ended: nothing is missed, nothing comes twice.
 */

import { API, loseSession } from '@/api/client'
import type { ProblemBody } from '@/api/problem'
import { token } from '@/api/session'
import type { EventsMessage, LogMessage, Said, Told } from './words'

const CHECK_MILLISECONDS = 2_000
// A socket that says nothing for so long is asked whether it lives, and then has so long to answer.
const SILENCE_MILLISECONDS = 8_000
const ANSWER_MILLISECONDS = 4_000
const RETRY_MILLISECONDS = [200, 400, 800, 1_600, 3_000, 5_000]
const SESSION_OVER = 4401

export interface BoardListener {
  /** Events in their order, each once. */
  events(message: EventsMessage): void
  /** What the page knows may be wrong or incomplete: read everything anew. */
  reset(): void
  presence(gateway: Extract<Told, { type: 'presence' }>['gateway']): void
  /** Events come from here on: at the beginning, and after each time that the board was not heard. */
  heard(): void
}

export interface LogListener {
  lines(message: LogMessage): void
  /** Nothing of it can be had. */
  problem(why: ProblemBody): void
}

/**
 * Whether the server and the board are heard; `since` is the time (ms, by the server's clock) at
 * which they last were, while they are not.
 */
export interface Connection {
  readonly open: boolean
  readonly since: number
  /** Why a server that is heard tells nothing of the board, in its words; else null. */
  readonly why: string | null
  /** False until the first connection stands or fails. */
  readonly tried: boolean
}

/** What the page has read of a board: its newest event then, and which board it was. */
export interface Place {
  boardId: string
  cursor: number
}

interface Board {
  listeners: Set<BoardListener>
  place: Place
  /** What the server said, and when it first did, while it does not tell of the board. */
  gone: { since: number; why: string } | null
}

interface Log {
  board: string
  runId: number
  listener: LogListener
  place: string | null
}

export class LiveSocket {
  private socket: WebSocket | null = null
  private readonly boards = new Map<string, Board>()
  private readonly logs = new Map<string, Log>()
  private readonly watchers = new Set<() => void>()
  private state: Connection = { open: false, since: Date.now(), why: null, tried: false }
  private failures = 0
  private retry: ReturnType<typeof setTimeout> | undefined
  private checks: ReturnType<typeof setInterval> | undefined
  private heardAt = 0
  private askedAt = 0
  private stopped = true
  /** Milliseconds by which the server's clock is ahead of this machine's. */
  ahead = 0
  /** Called when `ahead` is known better. */
  onClock: (() => void) | null = null

  /** Connects, and stays connected until `stop`. */
  start(): void {
    if (!this.stopped) return
    this.stopped = false
    addEventListener('online', this.wake)
    document.addEventListener('visibilitychange', this.wake)
    this.connect()
  }

  /** Ends the connection for good; what was listened to is forgotten. */
  stop(): void {
    this.stopped = true
    removeEventListener('online', this.wake)
    document.removeEventListener('visibilitychange', this.wake)
    clearTimeout(this.retry)
    this.drop()
    this.boards.clear()
    this.logs.clear()
  }

  /** Hears of a board what comes after `place`; returns the end. */
  listen(name: string, place: Place, listener: BoardListener): () => void {
    let board = this.boards.get(name)
    if (board === undefined) {
      board = { listeners: new Set(), place, gone: null }
      this.boards.set(name, board)
      this.subscribe(name, board)
    }
    board.listeners.add(listener)
    return () => {
      board.listeners.delete(listener)
      if (board.listeners.size > 0 || this.boards.get(name) !== board) return
      this.boards.delete(name)
      this.say({ op: 'unsubscribe', board: name })
      this.settle()
    }
  }

  /** Hears the output of a run, from `place` on where that is known; returns the end. One listener a run. */
  follow(
    board: string,
    runId: number,
    listener: LogListener,
    place: string | null = null,
  ): () => void {
    const key = `${board} ${runId}`
    const log: Log = { board, runId, listener, place }
    this.logs.set(key, log)
    this.askLog(log)
    return () => {
      if (this.logs.get(key) !== log) return
      this.logs.delete(key)
      this.say({ op: 'unlog', board, run_id: runId })
    }
  }

  /** The connection as it is; changes are told to `watch`. */
  connection = (): Connection => this.state

  /** Calls `listener` whenever `connection` changes; returns the end. */
  watch = (listener: () => void): (() => void) => {
    this.watchers.add(listener)
    return () => this.watchers.delete(listener)
  }

  private connect(): void {
    clearTimeout(this.retry)
    const mine = token()
    if (this.stopped || this.socket !== null || mine === null) return
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const address = `${scheme}://${location.host}${API}/live`
    const socket = new WebSocket(address, ['hermes-kanban', `token.${mine}`])
    this.socket = socket
    this.heardAt = Date.now()
    socket.onopen = () => this.opened()
    socket.onmessage = (message) => {
      if (this.socket === socket) this.heard(JSON.parse(String(message.data)) as Told)
    }
    socket.onclose = (end) => {
      if (this.socket === socket) this.closed(end.code)
    }
    clearInterval(this.checks)
    this.checks = setInterval(() => this.check(), CHECK_MILLISECONDS)
  }

  private opened(): void {
    this.failures = 0
    for (const board of this.boards.values()) board.gone = null
    this.settle()
    for (const [name, board] of this.boards) this.subscribe(name, board)
    for (const log of this.logs.values()) this.askLog(log)
  }

  private closed(code: number): void {
    this.drop()
    if (code === SESSION_OVER) {
      loseSession()
      return
    }
    if (this.stopped) return
    const wait = RETRY_MILLISECONDS[Math.min(this.failures, RETRY_MILLISECONDS.length - 1)] ?? 5_000
    this.failures += 1
    this.retry = setTimeout(() => this.connect(), wait)
  }

  private drop(): void {
    clearInterval(this.checks)
    const socket = this.socket
    this.socket = null
    if (socket !== null) socket.close()
    const { open, since, tried } = this.state
    const last = (open ? this.heardAt : Date.now()) + this.ahead
    this.become({ open: false, since: tried && !open ? since : last, why: null, tried: true })
  }

  /**
   * A machine that slept has a socket that looks open and is dead: a ping tells. A page that slept,
   * or whose timers come late as in a tab behind others, has asked nothing yet: its socket may live.
   */
  private check(): void {
    if (this.socket === null) return
    const now = Date.now()
    if (this.askedAt > this.heardAt) {
      if (now - this.askedAt >= ANSWER_MILLISECONDS) this.closed(0)
    } else if (now - this.heardAt >= SILENCE_MILLISECONDS) {
      this.askedAt = now
      this.say({ op: 'ping', id: now })
    }
  }

  private readonly wake = (): void => {
    if (document.visibilityState === 'hidden') return
    if (this.socket === null) {
      this.failures = 0
      this.connect()
    } else {
      this.check()
    }
  }

  private heard(told: Told): void {
    this.heardAt = Date.now()
    if ('now' in told) {
      this.ahead = told.now * 1_000 - Date.now()
      this.onClock?.()
    }
    if (told.type === 'log') {
      this.logs.get(`${told.board} ${told.run_id}`)?.listener.lines(this.placed(told))
      return
    }
    if (!('board' in told) || told.board === undefined) return
    if (told.type === 'problem' && told.op === 'log') {
      this.logs.get(`${told.board} ${told.run_id}`)?.listener.problem(told.problem)
      return
    }
    const board = this.boards.get(told.board)
    if (board === undefined) return
    switch (told.type) {
      case 'subscribed':
        board.place = { boardId: told.board_id, cursor: told.cursor }
        this.told(board)
        break
      case 'reset':
        board.place = { boardId: told.board_id, cursor: told.cursor }
        this.told(board)
        for (const one of board.listeners) one.reset()
        break
      case 'events':
        board.place = { ...board.place, cursor: told.cursor }
        for (const one of board.listeners) one.events(told)
        break
      case 'presence':
        for (const one of board.listeners) one.presence(told.gateway)
        break
      case 'gone':
        board.gone = { since: board.gone?.since ?? Date.now() + this.ahead, why: told.why }
        this.settle()
        setTimeout(() => {
          if (this.boards.get(told.board) !== board) return
          this.subscribe(told.board, board)
          for (const log of this.logs.values()) if (log.board === told.board) this.askLog(log)
        }, 1_000)
        break
    }
  }

  private told(board: Board): void {
    board.gone = null
    this.settle()
    for (const one of board.listeners) one.heard()
  }

  /** The connection stands: what counts is whether the board is heard over it. */
  private settle(): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return
    const gone = [...this.boards.values()].find((one) => one.gone !== null)?.gone
    if (gone == null && this.state.open) return
    const { since, why } = gone ?? { since: Date.now() + this.ahead, why: null }
    this.become({ open: gone == null, since, why, tried: true })
  }

  private placed(message: LogMessage): LogMessage {
    const log = this.logs.get(`${message.board} ${message.run_id}`)
    if (log !== undefined && message.place !== null) log.place = message.place
    return message
  }

  private subscribe(name: string, board: Board): void {
    const { cursor, boardId } = board.place
    this.say({ op: 'subscribe', board: name, after: cursor, board_id: boardId, cards: true })
  }

  private askLog(log: Log): void {
    const said: Said = {
      op: 'log',
      board: log.board,
      run_id: log.runId,
      lines: 1_000,
      colours: true,
    }
    if (log.place !== null) said.place = log.place
    this.say(said)
  }

  private say(said: Said): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(said))
  }

  private become(state: Connection): void {
    this.state = state
    for (const one of this.watchers) one()
  }
}

/** The socket of this page. */
export const live = new LiveSocket()
