import { Copy, GitBranch } from 'lucide-react'
import { useElsewhere } from '@/app/hosts'
import { hostIdOf } from '@/app/hostWords'
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
  const last = detail.runs.at(-1)
  const elsewhere = useElsewhere(last && hostIdOf(last))
  const branch = workspace?.branch ?? task.branch
  return (
    <section aria-labelledby="task-workspace-head">
      <div className="task-side-head">
        <h2 id="task-workspace-head">Workspace</h2>
      </div>
      <dl className="task-facts">
        <Fact name="Kind">{task.workspace_kind}</Fact>
        {workspace?.present === false && (
          <Fact name="Folder">
            <span className="dim" title={workspace.path}>
              {elsewhere === null ? 'not there now' : `on host ${elsewhere.name}`}
            </span>
          </Fact>
        )}
        {branch != null && workspace?.present !== false && (
          <Fact name="Branch">
            <GitBranch className="i" aria-hidden="true" />
            <code className="task-wrap">{branch}</code>
          </Fact>
        )}
        {workspace?.present && (
          <Fact name="Path">
            <code className="task-wrap" title={workspace.path}>
              {ending(workspace.path)}
            </code>
            <IconButton name="Copy the path" small onClick={() => copy(workspace.path)}>
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

/** The last two names of a path, which tell it apart. */
function ending(path: string): string {
  const names = path.split('/')
  return names.length > 3 ? `…/${names.slice(-2).join('/')}` : path
}
