import { ChevronDown, ChevronRight } from 'lucide-react'
import { useMemo, useState } from 'react'
import type { Workspace } from '@/api/types'
import { useTask } from '../context'
import { useWorkspace } from '../data'
import { Section } from '../Section'
import { FileDiff } from './FileDiff'
import { type DiffFile, parseDiff, sums } from './parse'
import './diff.css'

export const CHANGES = 'task-changes'

const MOST_LINES_OPEN = 400

/** What was changed in the worktree, file by file, each line to be commented on. */
export function Changes() {
  const { id, detail } = useTask()
  const isAtWork = detail.task.status === 'running'
  const found = useWorkspace(id, isAtWork)
  const workspace = found.data
  const files = useMemo(() => parseDiff(workspace?.diff ?? ''), [workspace?.diff])
  if (workspace === undefined || workspace.base === null || workspace.files.length === 0)
    return null
  const total = totals(workspace)
  return (
    <Section
      title="Changes"
      count={
        <>
          {total.files} {total.files === 1 ? 'file' : 'files'}{' '}
          <span className="st done">+{total.added}</span>{' '}
          <span className="st blocked">−{total.removed}</span>
        </>
      }
      id={CHANGES}
    >
      <div className="task-box diff">
        {workspace.files.map((change) => (
          <FileRow
            key={change.path}
            change={change}
            file={files.find((one) => one.path === change.path)}
          />
        ))}
        {workspace.cut && (
          <p className="diff-cut">
            The diff is cut here: it is longer than what is shown. All of it is in{' '}
            <code>{workspace.path}</code>.
          </p>
        )}
      </div>
    </Section>
  )
}

/** How much was changed altogether. */
export function totals(workspace: Workspace) {
  let added = 0
  let removed = 0
  for (const file of workspace.files) {
    added += file.added ?? 0
    removed += file.removed ?? 0
  }
  return { files: workspace.files.length, added, removed }
}

const WORDS: Record<string, string> = {
  added: 'new',
  untracked: 'new, not in git',
  deleted: 'deleted',
  renamed: 'renamed',
  changed: '',
}

function FileRow(props: { change: Workspace['files'][number]; file: DiffFile | undefined }) {
  const { change, file } = props
  const size = file === undefined ? 0 : file.hunks.reduce((all, one) => all + one.lines.length, 0)
  const [open, setOpen] = useState(false)
  const canOpen = file !== undefined && size > 0
  const counted = file === undefined ? null : sums(file)
  const added = change.added ?? (canOpen ? (counted?.added ?? null) : null)
  const removed = change.removed ?? (canOpen ? (counted?.removed ?? null) : null)
  const Icon = open ? ChevronDown : ChevronRight
  return (
    <section aria-label={change.path}>
      <h3 className="diff-file">
        <button
          type="button"
          aria-expanded={open}
          disabled={!canOpen}
          title={size > MOST_LINES_OPEN ? `${size} lines` : undefined}
          onClick={() => setOpen(!open)}
        >
          <Icon className="i" aria-hidden="true" style={canOpen ? undefined : { opacity: 0 }} />
          <code className="diff-path">
            {file?.from != null && `${file.from} → `}
            {change.path}
          </code>
          {WORDS[change.change] && <span className="dim">{WORDS[change.change]}</span>}
          {!canOpen && (
            <span className="dim">{file?.binary ? 'no text' : 'nothing of it is in the diff'}</span>
          )}
          <span className="grow" />
          {added !== null && added > 0 && <span className="st done">+{added}</span>}
          {removed !== null && removed > 0 && <span className="st blocked">−{removed}</span>}
        </button>
      </h3>
      {open && file !== undefined && <FileDiff file={file} />}
    </section>
  )
}
