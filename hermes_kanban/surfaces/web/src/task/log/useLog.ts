/** The output of one run, as it comes. */

import { useEffect, useState } from 'react'
import { boardClient, held } from '@/api/client'
import { Problem } from '@/api/problem'
import { live } from '@/live/socket'
import { Colours, type LogLine } from './colours'

export interface Log {
  lines: readonly LogLine[]
  /** How many lines were let go at the beginning, to keep the page light. */
  dropped: number
  /** No more will come. */
  over: boolean
  /** Something was heard of it. */
  told: boolean
  /** These are all lines that are kept of the run. */
  whole: boolean
  /** Why none of it can be had. */
  problem: Problem | null
}

const NOTHING: Log = {
  lines: [],
  dropped: 0,
  over: false,
  told: false,
  whole: true,
  problem: null,
}
const MOST_LINES = 20_000
/** The live socket begins with as many lines; where fewer came, there are no more. */
const FIRST_LINES = 1_000
const EARLIER_LINES = 10_000

/** The log of a run; `showAll` reads what was before the lines that the live socket begins with. */
export function useLog(board: string, task: string, runId: number): Log & { showAll: () => void } {
  const [all, setAll] = useState(false)
  const [log, setLog] = useState<Log>(NOTHING)
  useEffect(() => {
    let colours = new Colours()
    let lines: LogLine[] = []
    let dropped = 0
    let whole = true
    let frame = 0
    let over = false
    let isFirst = true
    let ended = false
    let end = () => {}

    // Several messages a frame are one change of the page.
    const show = () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0
        if (lines.length > MOST_LINES) {
          dropped += lines.length - MOST_LINES
          lines = lines.slice(-MOST_LINES)
        }
        setLog({ lines: [...lines], dropped, over, told: true, whole, problem: null })
      })
    }
    const follow = (place: string | null) => {
      end = live.follow(
        board,
        runId,
        {
          lines(message) {
            if (message.anew && (!isFirst || place !== null)) {
              // The place is gone: what comes is not what follows.
              colours = new Colours()
              lines = []
              dropped = 0
            }
            if (isFirst && place === null) whole = message.lines.length < FIRST_LINES
            isFirst = false
            for (const line of message.lines) lines.push(colours.read(line))
            over = message.over
            show()
          },
          problem: (body) => setLog({ ...NOTHING, problem: new Problem(body) }),
        },
        place,
      )
    }
    const readAll = async () => {
      const params = {
        path: { task_id: task },
        query: { run_id: runId, lines: EARLIER_LINES, colours: true },
      }
      const part = held(await boardClient(board).GET('/tasks/{task_id}/log', { params }))
      if (ended) return
      lines = part.lines.map((line) => colours.read(line))
      whole = part.whole
      over = part.over
      show()
      if (!part.over) follow(part.place)
    }
    setLog(NOTHING)
    if (all) readAll().catch(() => !ended && follow(null))
    else follow(null)
    return () => {
      ended = true
      cancelAnimationFrame(frame)
      end()
    }
  }, [board, task, runId, all])
  return { ...log, showAll: () => setAll(true) }
}
