import { useQuery } from '@tanstack/react-query'
import { Fragment, useCallback, useMemo, useState } from 'react'
import { Link, useSearchParams } from 'wouter'
import { held } from '@/api/client'
import { Problem, sentenceOf } from '@/api/problem'
import { COLUMNS, type Node } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { placeOf, taskPlace, useOpenedTask, useOpenTask } from '@/app/places'
import { useKeys } from '@/keys/useKeys'
import { Empty } from '@/kit/Empty'
import { isForBrowser } from '@/kit/pressed'
import { Segments } from '@/kit/Segments'
import { StatusIcon } from '@/kit/StatusIcon'
import { statusName } from '@/kit/sentences'
import { NARROWER, useMedia } from '@/kit/useMedia'
import { useNow } from '@/live/clock'
import { keys } from '@/live/keys'
import { Chooser } from './Chooser'
import { criticalPath, isOpen, left, usualOf } from './critical'
import { Drawing } from './Drawing'
import { TreeList } from './TreeList'
import { useShape } from './useShape'
import { type Grown, useTree } from './useTree'
import { needsYou, type Part, toGo, waitsFor } from './waiting'
import './graph.css'

const USUAL_DAYS = 30

/** The graph of the tree around a task, `?root=`; without one a page to choose it. */
export default function GraphView() {
  const [search] = useSearchParams()
  const root = search.get('root')
  if (root === null) return <Chooser />
  return <TreeView key={root} root={root} />
}

function TreeView({ root }: { root: string }) {
  const { slug } = useBoard()
  const tree = useTree(root)
  if (tree.isError) {
    const gone = tree.error instanceof Problem && tree.error.status === 404
    return (
      <Empty title={gone ? `There is no task ${root}` : 'The graph could not be read'}>
        <p>{sentenceOf(tree.error)}</p>
        <p>
          <Link className="btn" href={`~${placeOf(slug, 'graph')}`}>
            Choose another task
          </Link>
        </p>
      </Empty>
    )
  }
  if (tree.data === undefined) return <div className="view-waits" aria-busy="true" />
  return <Grove root={root} grown={tree.data} />
}

function Grove({ root, grown }: { root: string; grown: Grown }) {
  const { slug } = useBoard()
  const { nodes, links } = grown.tree
  const [look, setLook] = useLook()
  const openTask = useOpenTask()
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set())
  const { folded, layout } = useShape(nodes, links, unfolded)
  const now = useNow(60)
  const critical = useCritical(grown, now)
  const active = useOpenedTask() === null
  useKeys('graph', { graphList: () => setLook(look === 'list' ? 'drawing' : 'list') }, active)
  const onUnfold = useCallback((name: string) => {
    setUnfolded((before) => new Set([...before, name]))
  }, [])
  const top = nodes.find((node) => node.id === root)
  return (
    <div className="view">
      <h1 className="hidden-words">Graph</h1>
      <div className="view-bar">
        <Link className="view-chip" href={`~${placeOf(slug, 'graph')}`} title="Choose another tree">
          Root <b className="cut">{`${root} ${top?.title ?? ''}`}</b>
        </Link>
        <span className="view-chip plain">
          <b>
            {nodes.filter((node) => !isOpen(node)).length} of {nodes.length}
          </b>{' '}
          done
        </span>
        {grown.tree.cut && (
          <span className="dim">The nearest {nodes.length} tasks; more are linked.</span>
        )}
        <span className="grow" />
        <Segments
          label="Look"
          value={look}
          options={[
            { value: 'drawing', label: 'Drawing' },
            { value: 'list', label: 'List' },
          ]}
          onChange={setLook}
        />
      </div>
      <Sentence nodes={nodes} since={grown.since} critical={critical} now={now} onOpen={openTask} />
      {look === 'list' ? (
        <TreeList
          nodes={nodes}
          links={links}
          since={grown.since}
          critical={critical.ids}
          root={root}
          onOpen={openTask}
        />
      ) : (
        <Drawing
          nodes={nodes}
          since={grown.since}
          folded={folded}
          layout={layout}
          critical={critical.ids}
          root={root}
          active={active}
          onOpen={openTask}
          onUnfold={onUnfold}
        />
      )}
      <Legend />
    </div>
  )
}

function useCritical(grown: Grown, now: number): { ids: string[]; seconds: number | null } {
  const { slug } = useBoard()
  const client = useClient()
  const query = { days: USUAL_DAYS, utc_offset_seconds: 0 }
  const trends = useQuery({
    queryKey: keys.still(slug, 'usual', query),
    queryFn: async () => held(await client.GET('/trends', { params: { query } })),
  })
  return useMemo(() => {
    const usual = usualOf(trends.data)
    const { nodes, links } = grown.tree
    const weigh = (node: Node) => left(node, usual, now, grown.since[node.id])
    const found = criticalPath(nodes, links, weigh)
    const known = usual.all !== null || usual.of.size > 0
    return { ids: found.ids, seconds: known ? found.seconds : null }
  }, [trends.data, grown, now])
}

function Sentence(props: {
  nodes: readonly Node[]
  since: Readonly<Record<string, number>>
  critical: { ids: string[]; seconds: number | null }
  now: number
  onOpen: (id: string) => void
}) {
  const { nodes, critical } = props
  const next = nodes.find((node) => node.id === critical.ids[0])
  return (
    <p className="graph-sentence">
      <b title="The longest chain of open tasks, by how long such tasks took in the last 30 days">
        {toGo(nodes, critical.ids.length, critical.seconds)}
      </b>{' '}
      {next !== undefined && (
        <Parts parts={waitsFor(next, props.since[next.id], props.now)} onOpen={props.onOpen} />
      )}{' '}
      <Parts parts={needsYou(nodes, next?.id)} onOpen={props.onOpen} />
    </p>
  )
}

function Parts({ parts, onOpen }: { parts: readonly Part[]; onOpen: (id: string) => void }) {
  const { slug } = useBoard()
  return parts.map((part, at) => {
    if (typeof part === 'string') return <Fragment key={at}>{part}</Fragment>
    const open = (event: React.MouseEvent) => {
      if (isForBrowser(event)) return
      event.preventDefault()
      onOpen(part.id)
    }
    return (
      <a key={at} className="view-link" href={taskPlace(slug, part.id)} onClick={open}>
        {part.id}
      </a>
    )
  })
}

type Look = 'drawing' | 'list'

/** From the address, else a list on a narrow screen and a drawing on a wide one. */
function useLook(): [Look, (look: Look) => void] {
  const [search, setSearch] = useSearchParams()
  const narrow = useMedia(NARROWER)
  const asked = search.get('look')
  const look = asked === 'list' || asked === 'drawing' ? asked : narrow ? 'list' : 'drawing'
  const choose = (chosen: Look) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before)
        next.set('look', chosen)
        return next
      },
      { replace: true },
    )
  return [look, choose]
}

function Legend() {
  return (
    <p className="view-legend" aria-hidden="true">
      {COLUMNS.map((status) => (
        <span key={status}>
          <StatusIcon status={status} />
          {statusName(status)}
        </span>
      ))}
      <span>
        <svg width="22" height="8" aria-hidden="true">
          <path className="graph-way critical" d="M0 4h22" />
        </svg>
        Longest chain
      </span>
    </p>
  )
}
