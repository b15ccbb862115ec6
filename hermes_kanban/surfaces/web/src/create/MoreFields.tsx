import type { Problem } from '@/api/problem'
import { type Draft, WORKSPACE_KINDS, type WorkspaceKind } from './draft'
import { Labelled } from './Labelled'

/** What most tasks leave as the board and the profile have it. */
export function MoreFields(props: {
  draft: Draft
  set: (change: Partial<Draft>) => void
  problem: Problem | null
}) {
  const { draft, set, problem } = props
  const text = (field: keyof Draft) => ({
    className: 'field',
    autoComplete: 'off',
    value: draft[field] as string,
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => set({ [field]: event.target.value }),
  })
  return (
    <details className="new-more" open={isUsed(draft) || undefined}>
      <summary>Skills, model, time, workspace</summary>
      <div className="new-fields">
        <Labelled label="Skills" problem={problem} field="skills">
          <input {...text('skills')} placeholder="pytest, redis" />
        </Labelled>
        <Labelled label="Model" problem={problem} field="model">
          <input {...text('model')} placeholder="as the profile has it" />
        </Labelled>
        <Labelled label="Not before" problem={problem} field="scheduled_at">
          <input {...text('schedule')} type="datetime-local" />
        </Labelled>
        <Labelled label="Workspace" problem={problem} field="workspace">
          <select
            className="field"
            value={draft.workspaceKind}
            onChange={(event) => set({ workspaceKind: event.target.value as WorkspaceKind })}
          >
            {WORKSPACE_KINDS.map((one) => (
              <option key={one.value} value={one.value}>
                {one.label}
              </option>
            ))}
          </select>
        </Labelled>
        {(draft.workspaceKind === 'dir' || draft.workspaceKind === 'worktree') && (
          <Labelled label="Path" problem={problem} field="workspace">
            <input
              {...text('workspacePath')}
              placeholder={draft.workspaceKind === 'dir' ? '/path' : 'the board’s repository'}
            />
          </Labelled>
        )}
        {draft.workspaceKind === 'worktree' && (
          <Labelled label="Branch" problem={problem} field="branch">
            <input {...text('branch')} placeholder="named after the task" />
          </Labelled>
        )}
        <Labelled
          label="Key"
          problem={problem}
          field="idempotency_key"
          hint="While a task with this key lives, another create gives that one."
        >
          <input {...text('idempotencyKey')} placeholder="none" />
        </Labelled>
      </div>
    </details>
  )
}

function isUsed(draft: Draft): boolean {
  const { skills, model, schedule, workspaceKind, idempotencyKey } = draft
  return [skills, model, schedule, workspaceKind, idempotencyKey].some((one) => one !== '')
}
