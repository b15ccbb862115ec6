import type { Edits } from '@/actions/actions'
import { useActions } from '@/actions/useActions'
import { absolute, clockTime, fieldTime, timeOfField } from '@/kit/time'
import { toast } from '@/kit/toasts'
import { useTask } from './context'
import { EditField } from './EditField'
import { Fact } from './Properties'
import { secondsIn, spanWords } from './spans'

/** How a task is run: skills, model, limits, and when. Each overrides what its profile says. */
export function HowItRuns() {
  const { detail, card, may } = useTask()
  const actions = useActions()
  const { task } = detail
  const canEdit = may('edit')
  const edit = (edits: Edits) => actions.edit(task, edits)
  const text = (name: 'model' | 'provider' | 'branch') => ({
    name: NAMES[name],
    value: task[name] ?? '',
    told: task[name] ?? <span className="dim">profile default</span>,
    save: (typed: string) => edit({ [name]: typed === '' ? null : typed }),
  })
  const fields = [
    {
      name: 'Skills',
      value: task.skills.join(', '),
      told: task.skills.join(', ') || <span className="dim">of the profile</span>,
      save: (typed: string) => edit({ skills: typed.split(/[\s,]+/).filter((one) => one !== '') }),
    },
    text('model'),
    text('provider'),
    {
      name: 'Max runtime',
      value: task.max_runtime_seconds === null ? '' : spanWords(task.max_runtime_seconds),
      told:
        task.max_runtime_seconds === null ? (
          <span className="dim">profile default</span>
        ) : (
          spanWords(task.max_runtime_seconds)
        ),
      save: (typed: string) => {
        const seconds = typed === '' ? null : secondsIn(typed)
        if (typed !== '' && seconds === null) {
          toast('Not changed. A time limit is written as 45 min, 2 h or 1 h 30 min.', { bad: true })
          return false
        }
        return edit({ max_runtime_seconds: seconds })
      },
    },
    {
      name: 'Retries',
      value: task.max_retries === null ? '' : String(task.max_retries),
      told: (
        <>
          {task.max_retries ?? <span className="dim">board default</span>}
          {card !== undefined && card.failures > 0 && (
            <span className="dim">
              {card.failures} of {card.attempts} attempts failed
            </span>
          )}
        </>
      ),
      save: (typed: string) => {
        if (typed !== '' && !/^\d+$/.test(typed)) {
          toast('Not changed. Retries are a whole number.', { bad: true })
          return false
        }
        return edit({ max_retries: typed === '' ? null : Number(typed) })
      },
    },
  ]
  return (
    <>
      {fields.map((field) => (
        <Fact key={field.name} name={field.name}>
          {canEdit ? (
            <EditField name={field.name} value={field.value} onSave={field.save}>
              {field.told}
            </EditField>
          ) : (
            field.told
          )}
        </Fact>
      ))}
      {(task.scheduled_at !== null || (may('schedule') && task.completed_at === null)) && (
        <Schedule />
      )}
    </>
  )
}

const NAMES = { model: 'Model', provider: 'Provider', branch: 'Branch' } as const

function Schedule() {
  const { detail, may } = useTask()
  const actions = useActions()
  const { task } = detail
  const told =
    task.scheduled_at === null ? (
      <span className="dim">at once</span>
    ) : (
      <time title={absolute(task.scheduled_at)}>{clockTime(task.scheduled_at)}</time>
    )
  return (
    <Fact name="Starts">
      {may('schedule') ? (
        <EditField
          name="Not before"
          type="datetime-local"
          value={task.scheduled_at === null ? '' : fieldTime(task.scheduled_at)}
          onSave={(typed) => actions.schedule([task], timeOfField(typed))}
        >
          {told}
        </EditField>
      ) : (
        told
      )}
    </Fact>
  )
}
