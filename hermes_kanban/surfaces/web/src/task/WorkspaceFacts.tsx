import { Copy, ExternalLink, GitBranch } from 'lucide-react'
import { useBoard } from '@/app/board'
import { type Named, useElsewhere } from '@/app/hosts'
import { pageOf } from '@/app/hostWords'
import { taskPlace } from '@/app/places'
import { IconButton } from '@/kit/Button'
import { copy } from '@/kit/clipboard'
import { useTask } from './context'
import { useWorkspace } from './data'
import { CHANGES, totals } from './diff/Changes'
import { Fact } from './Properties'

/** Where it works, its branch, and how much it has changed there. */
export function WorkspaceFacts() {
  const { id, detail } = useTask()
  const { task } = detail
  const found = useWorkspace(id, task.status === 'running')
  const workspace = found.data
  const sum = workspace === undefined ? null : totals(workspace)
  const elsewhere = useElsewhere(workspace?.host)
  const branch = workspace?.branch ?? task.branch
  const path = elsewhere !== null || workspace?.present ? workspace?.path : null
  return (
    <section aria-labelledby="task-workspace-head">
      <div className="task-side-head">
        <h2 id="task-workspace-head">Workspace</h2>
      </div>
      <dl className="task-facts">
        <Fact name="Kind">{task.workspace_kind}</Fact>
        {elsewhere !== null && (
          <Fact name="Host">
            <OnHost host={elsewhere} />
          </Fact>
        )}
        {elsewhere === null && workspace?.present === false && (
          <Fact name="Folder">
            <span className="dim" title={workspace.path ?? undefined}>
              not there now
            </span>
          </Fact>
        )}
        {branch != null && (elsewhere !== null || workspace?.present !== false) && (
          <Fact name="Branch">
            <GitBranch className="i" aria-hidden="true" />
            <code className="task-wrap">{branch}</code>
          </Fact>
        )}
        {path != null && (
          <Fact name="Path">
            <code className="task-wrap" title={path}>
              {ending(path)}
            </code>
            <IconButton name="Copy the path" small onClick={() => copy(path)}>
              <Copy className="i" />
            </IconButton>
          </Fact>
        )}
        {sum !== null && workspace?.base != null && (
          <Fact name="Changes">
            {sum.files === 0 ? (
              <span className="dim">none</span>
            ) : (
              <button
                type="button"
                className="task-text-button"
                onClick={() => document.getElementById(CHANGES)?.scrollIntoView({ block: 'start' })}
              >
                {sum.files} {sum.files === 1 ? 'file' : 'files'} +{sum.added} −{sum.removed}
              </button>
            )}
          </Fact>
        )}
      </dl>
    </section>
  )
}

/** The host where the folder is, whose own page shows what was changed there. */
function OnHost({ host }: { host: Named }) {
  const { slug } = useBoard()
  const { id } = useTask()
  const page = pageOf(host, taskPlace(slug, id))
  if (page === null) return <>{host.name}</>
  return (
    <a className="task-text-button task-out" href={page} target="_blank" rel="noreferrer">
      {host.name}
      <ExternalLink className="i" aria-hidden="true" />
      <span className="hidden-words">, its page in a new tab</span>
    </a>
  )
}

/** The last two names of a path, which tell it apart. */
function ending(path: string): string {
  const names = path.split('/')
  return names.length > 3 ? `…/${names.slice(-2).join('/')}` : path
}
