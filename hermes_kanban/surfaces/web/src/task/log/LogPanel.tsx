import { ArrowDown, ArrowUp, Download, Search, X } from 'lucide-react'
import { useMemo, useRef, useState } from 'react'
import { boardPath, request } from '@/api/client'
import { useBoard } from '@/app/board'
import { useHost } from '@/app/hosts'
import { hostIdOf } from '@/app/hostWords'
import { useKeys } from '@/keys/useKeys'
import { plainName } from '@/kit/Avatar'
import { Button, IconButton } from '@/kit/Button'
import { count } from '@/kit/numbers'
import { toastProblem } from '@/kit/toasts'
import { useTask } from '../context'
import { saveAs } from '../files'
import { Section } from '../Section'
import { findAll } from './find'
import { LogElsewhere } from './LogElsewhere'
import { LogLines } from './LogLines'
import { useLog } from './useLog'
import './log.css'

const LOG = 'task-log'

/** The output of the run that is shown. */
export function LogPanel() {
  const { shownRun } = useTask()
  // What a person did without a worker has no output.
  if (shownRun === null || shownRun.log_path === null) return null
  return <RunLog key={shownRun.id} runId={shownRun.id} />
}

function RunLog({ runId }: { runId: number }) {
  const { slug } = useBoard()
  const { id, detail, shownRun } = useTask()
  const log = useLog(slug, id, runId)
  const host = useHost(shownRun && hostIdOf(shownRun))
  const isAtWork = shownRun?.ended_at === null && !log.over
  const [follows, setFollows] = useState(true)
  const [finds, setFinds] = useState(false)
  const [wanted, setWanted] = useState('')
  const [at, setAt] = useState(0)
  const field = useRef<HTMLInputElement>(null)
  const panel = useRef<HTMLDivElement>(null)
  const matches = useMemo(() => findAll(log.lines, wanted), [log.lines, wanted])
  const chosen = matches.length === 0 ? -1 : Math.min(at, matches.length - 1)

  const openFind = () => {
    setFinds(true)
    requestAnimationFrame(() => field.current?.select())
  }
  const closeFind = () => {
    setFinds(false)
    setWanted('')
  }
  const go = (step: number) => {
    if (matches.length === 0) return
    setFollows(false)
    setAt((chosen + step + matches.length) % matches.length)
  }
  useKeys('task', {
    log: () => {
      panel.current?.scrollIntoView({ block: 'nearest' })
      panel.current?.querySelector<HTMLElement>('[role=log]')?.focus()
    },
    logFind: openFind,
  })
  const download = async () => {
    try {
      const answer = await request(`${boardPath(slug, 'tasks', id, 'log.txt')}?run_id=${runId}`)
      saveAs(await answer.blob(), `${id}-run-${runId}.log.txt`)
    } catch (error) {
      toastProblem(error)
    }
  }
  const isNewest = detail.runs.at(-1)?.id === runId
  const told = `run ${runId}${isNewest ? '' : ', not the newest'}`
  const facts = [
    shownRun?.profile ?? (shownRun === null ? null : plainName(shownRun.claimer)),
    isAtWork && shownRun?.worker_pid ? `pid ${shownRun.worker_pid}` : null,
    host === null ? null : `on ${host.name}`,
    `${count(log.lines.length + log.dropped)} lines`,
  ]
  if (log.problem !== null) {
    return (
      <Section title="Log" count={told} id="task-log-head">
        <LogElsewhere runId={runId} host={host} problem={log.problem} />
      </Section>
    )
  }
  return (
    <Section title={isAtWork ? 'Live log' : 'Log'} count={told} id="task-log-head">
      <div className="task-box log" ref={panel} id={LOG}>
        <div className="log-bar">
          <span className="dim cut">{facts.filter(Boolean).join(' · ')}</span>
          <span className="grow" />
          {isAtWork && (
            <Button
              look="quiet"
              small
              aria-pressed={follows}
              className="log-follow"
              onClick={() => setFollows(!follows)}
            >
              <ArrowDown className="i" aria-hidden="true" />
              {follows ? 'Following' : 'Follow'}
            </Button>
          )}
          <Button look="quiet" small aria-expanded={finds} onClick={finds ? closeFind : openFind}>
            <Search className="i" aria-hidden="true" />
            Search
          </Button>
          <Button look="quiet" small onClick={() => void download()}>
            <Download className="i" aria-hidden="true" />
            Download
          </Button>
        </div>
        {finds && (
          <search className="log-find">
            <input
              ref={field}
              className="field"
              aria-label="Search in the log"
              placeholder="Search in the log"
              spellCheck={false}
              value={wanted}
              onChange={(event) => {
                setWanted(event.target.value)
                setAt(0)
                setFollows(false)
              }}
              onKeyDown={(event) => {
                if (event.key === 'Enter') {
                  event.preventDefault()
                  go(event.shiftKey ? -1 : 1)
                } else if (event.key === 'Escape') {
                  event.stopPropagation()
                  closeFind()
                }
              }}
            />
            <span className="log-count dim" role="status">
              {wanted === ''
                ? ''
                : `${matches.length === 0 ? 0 : chosen + 1} of ${count(matches.length)}`}
            </span>
            <IconButton name="Previous match" small hint="Shift Enter" onClick={() => go(-1)}>
              <ArrowUp className="i" />
            </IconButton>
            <IconButton name="Next match" small hint="Enter" onClick={() => go(1)}>
              <ArrowDown className="i" />
            </IconButton>
            <IconButton name="Close the search" small onClick={closeFind}>
              <X className="i" />
            </IconButton>
          </search>
        )}
        {!log.whole && (
          <p className="log-more">
            <Button look="quiet" small onClick={log.showAll}>
              Show earlier lines
            </Button>
          </p>
        )}
        <LogLines
          log={log}
          isAtWork={isAtWork}
          follows={isAtWork && follows}
          onFollows={setFollows}
          matches={matches}
          chosen={chosen}
        />
      </div>
    </Section>
  )
}
