import { useQueryClient } from '@tanstack/react-query'
import { type DragEvent, useEffect, useMemo, useState } from 'react'
import { useSearchParams } from 'wouter'
import { cardOf } from '@/actions/optimism'
import { useWithPending } from '@/actions/usePending'
import { Problem, sentenceOf } from '@/api/problem'
import type { TaskDetail } from '@/api/types'
import { useBoard } from '@/app/board'
import { useMoves } from '@/app/reads'
import { useKeys } from '@/keys/useKeys'
import { Button } from '@/kit/Button'
import { Empty } from '@/kit/Empty'
import { Attachments } from './Attachments'
import { Body } from './Body'
import { TaskContext, type TaskPlace } from './context'
import { Dependencies } from './Dependencies'
import { useCards, useDetail } from './data'
import { Changes } from './diff/Changes'
import { Head } from './Head'
import { LogPanel } from './log/LogPanel'
import { Properties } from './Properties'
import { Result } from './Result'
import { Runs } from './Runs'
import { Thread } from './Thread'
import { Title } from './Title'
import { useUploads } from './useUploads'
import { Why } from './Why'
import './task.css'

interface Props {
  id: string
  inDrawer: boolean
  onClose: () => void
  /** Opens the page instead of the drawer; null on the page. */
  onPage: (() => void) | null
  /** Shows the next card in the place of this. */
  onShow: (id: string) => void
}

/** Everything of one task, on its page and in the drawer alike. */
export function TaskScreen(props: Props) {
  const { id } = props
  const found = useDetail(id)
  // Asked at the same time, so that what may be done is there with what is shown.
  const moves = useMoves(id)
  // These act before it is read, and where it is gone.
  useKeys('task', {
    back: props.onClose,
    ...(props.onPage === null ? {} : { asPage: props.onPage }),
  })
  const isGone = found.error instanceof Problem && found.error.status === 404
  if (found.data !== undefined && !isGone && !moves.isLoading) {
    return <Loaded key={id} {...props} read={found.data} verbs={moves.data?.verbs ?? NONE} />
  }
  if (found.error !== null) {
    return (
      <div className="task-screen">
        <Empty title={isGone ? `There is no ${id}` : `${id} cannot be shown`}>
          <p>
            {isGone ? 'It was removed for good, or its address is wrong.' : sentenceOf(found.error)}
          </p>
          <p className="task-buttons task-center">
            {!isGone && <Button onClick={() => void found.refetch()}>Try again</Button>}
            <Button onClick={props.onClose}>{props.inDrawer ? 'Close' : 'Back'}</Button>
          </p>
        </Empty>
      </div>
    )
  }
  return <Waiting />
}

/** The run that `?run=` names, until another is chosen. */
function useChosenRun() {
  const [search] = useSearchParams()
  const asked = search.get('run')
  const [chosen, setChosen] = useState<number | null>(null)
  useEffect(() => setChosen(asked === null ? null : Number(asked)), [asked])
  return [chosen, setChosen] as const
}

const NONE: readonly string[] = []

function Loaded(props: Props & { read: TaskDetail; verbs: readonly string[] }) {
  const { id, inDrawer, read, verbs } = props
  const { name, slug } = useBoard()
  const queries = useQueryClient()
  const task = useWithPending(read.task)
  const detail = useMemo(() => ({ ...read, task }), [read, task])
  const own = useMemo(() => [id], [id])
  // The board below may know it already: what is said of it does not grow a moment later.
  const card = useCards(own).get(id) ?? cardOf(queries, slug, id) ?? undefined
  const uploads = useUploads(id)
  const [chosen, setChosen] = useChosenRun()
  const { runs } = read
  const profiles = useMemo(
    () =>
      new Map(
        runs.flatMap((run) => (run.profile === null ? [] : [[run.id, run.profile] as const])),
      ),
    [runs],
  )
  const shownRun = runs.find((run) => run.id === chosen) ?? runs.at(-1) ?? null
  const place: TaskPlace = {
    id,
    inDrawer,
    detail,
    card,
    profiles,
    shownRun,
    showRun: setChosen,
    uploads,
    verbs,
    may: (verb) => verbs.includes(verb),
  }
  useEffect(() => {
    const before = document.title
    document.title = `${task.title} · ${name}`
    return () => {
      document.title = before
    }
  }, [task.title, name])
  const drop = useDrop(uploads.upload, place.may('attach'))
  return (
    <TaskContext value={place}>
      <div className="task-screen" {...drop.handlers}>
        <Head onClose={props.onClose} onPage={props.onPage} onShow={props.onShow} />
        <div className="task-columns">
          <div className="task-main">
            <div className="task-text">
              <Title />
              <Why />
              <Result />
              <Body />
              <Dependencies />
              <LogPanel />
              <Runs />
              <Changes />
              <Attachments />
              <Thread />
            </div>
          </div>
          <Properties />
        </div>
        {drop.isOver && <div className="task-drop">Drop to attach to {id}</div>}
      </div>
    </TaskContext>
  )
}

/** Files may be dropped anywhere on the task. */
function useDrop(upload: (files: readonly File[]) => void, can: boolean) {
  const [isOver, setOver] = useState(false)
  const hasFiles = (event: DragEvent) => can && event.dataTransfer.types.includes('Files')
  const handlers = {
    onDragOver: (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(true)
    },
    onDragLeave: (event: DragEvent) => {
      if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false)
    },
    onDrop: (event: DragEvent) => {
      if (!hasFiles(event)) return
      event.preventDefault()
      setOver(false)
      upload([...event.dataTransfer.files])
    },
  }
  return { isOver, handlers }
}

function Waiting() {
  return (
    <div className="task-screen" aria-busy="true">
      <div className="task-head" />
      <div className="task-columns">
        <div className="task-main">
          <div className="task-text">
            <div className="skeleton task-wait-title" />
            <div className="skeleton task-wait-why" />
            <div className="skeleton task-wait-line" />
            <div className="skeleton task-wait-line" />
            <div className="skeleton task-wait-line short" />
          </div>
        </div>
        <div className="task-side">
          {Array.from({ length: 8 }, (_, index) => (
            <div key={index} className="skeleton task-wait-fact" />
          ))}
        </div>
      </div>
    </div>
  )
}
