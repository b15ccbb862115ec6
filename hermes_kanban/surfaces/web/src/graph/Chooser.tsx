import { useQuery } from '@tanstack/react-query'
import { Search } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import { Link } from 'wouter'
import { held } from '@/api/client'
import { sentenceOf } from '@/api/problem'
import { COLUMNS, type Grove, type Status, statusOf } from '@/api/types'
import { useBoard, useClient } from '@/app/board'
import { placeOf } from '@/app/places'
import { Empty } from '@/kit/Empty'
import { count } from '@/kit/numbers'
import { StatusIcon } from '@/kit/StatusIcon'
import { keys } from '@/live/keys'
import { useTrees } from './useTrees'

const FOUND = 20

/** Which tree to draw: one of the largest, or that of a task that is searched for. */
export function Chooser() {
  const [text, setText] = useState('')
  const asked = useDeferredValue(text.trim())
  return (
    <div className="page">
      <div className="sheet">
        <header className="page-head">
          <h1>Graph</h1>
          <span className="dim">Choose a task: all that it waits for and that waits for it.</span>
        </header>
        <search className="graph-search">
          <Search className="i" aria-hidden="true" />
          <input
            className="field"
            type="search"
            placeholder="Find a task by title or id"
            aria-label="Find a task by title or id"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </search>
        {asked === '' ? <Largest /> : <Found text={asked} />}
      </div>
    </div>
  )
}

function Largest() {
  const found = useTrees()
  if (found.isPending) return <Waiting />
  if (found.isError) return <p role="alert">{sentenceOf(found.error)}</p>
  const { trees, all } = found.data
  if (trees.length === 0) {
    return (
      <Empty title="No open tasks are linked" command="hermes-kanban create 'Second' --parent t_…">
        <p>A task with a parent waits until the parent is done. Linked tasks are drawn here.</p>
      </Empty>
    )
  }
  return (
    <section aria-labelledby="largest-trees">
      <h2 id="largest-trees" className="graph-heading">
        Largest open trees{all > trees.length && `, ${trees.length} of ${count(all)}`}
      </h2>
      <ul className="graph-trees">
        {trees.map((tree) => (
          <TreeEntry key={tree.root} tree={tree} />
        ))}
      </ul>
    </section>
  )
}

function TreeEntry({ tree }: { tree: Grove }) {
  const all = Object.values(tree.counts).reduce((sum, one) => sum + one, 0)
  return (
    <li>
      <RootLink id={tree.root} className="graph-tree">
        <StatusIcon status={statusOf(tree)} />
        <span className="graph-tree-title">{tree.title}</span>
        <span className="dim">{tree.root}</span>
        <span className="graph-tree-counts">
          {COLUMNS.map((status) => (
            <Counted key={status} status={status} many={tree.counts[status] ?? 0} />
          ))}
        </span>
        <span className="graph-tree-done">
          {count(all - tree.open)} of {count(all)} done
        </span>
      </RootLink>
    </li>
  )
}

function Counted({ status, many }: { status: Status; many: number }) {
  if (many === 0 || status === 'done') return null
  return (
    <span className="graph-tree-count" title={`${many} ${status}`}>
      <StatusIcon status={status} size={12} />
      {count(many)}
      <span className="hidden-words"> {status}</span>
    </span>
  )
}

function Found({ text }: { text: string }) {
  const { slug } = useBoard()
  const client = useClient()
  const found = useQuery({
    queryKey: keys.slow(slug, 'find', text),
    queryFn: async () => {
      const query = { text, limit: FOUND, order: 'newest' as const }
      return held(await client.GET('/cards', { params: { query } })).cards
    },
    placeholderData: (before) => before,
  })
  if (found.isPending) return <Waiting />
  const cards = found.data ?? []
  return (
    <section aria-labelledby="found-tasks">
      <h2 id="found-tasks" className="graph-heading">
        {cards.length === 0 ? 'No task matches' : 'Tasks'}
      </h2>
      <ul className="graph-trees">
        {cards.map((card) => (
          <li key={card.id}>
            <RootLink id={card.id} className="graph-tree">
              <StatusIcon status={statusOf(card)} />
              <span className="graph-tree-title">{card.title}</span>
              <span className="dim">{card.id}</span>
              <span className="graph-tree-done">
                {card.parents.all} before, {card.children.all} after
              </span>
            </RootLink>
          </li>
        ))}
      </ul>
    </section>
  )
}

function RootLink(props: { id: string; className: string; children: React.ReactNode }) {
  const { slug } = useBoard()
  return (
    <Link className={props.className} href={`~${placeOf(slug, 'graph')}?root=${props.id}`}>
      {props.children}
    </Link>
  )
}

function Waiting() {
  return (
    <div aria-busy="true">
      {Array.from({ length: 4 }, (_, at) => (
        <div key={at} className="skeleton graph-tree-waits" />
      ))}
    </div>
  )
}
