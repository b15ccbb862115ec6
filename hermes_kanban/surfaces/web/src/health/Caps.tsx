import type { Health } from '@/api/types'
import { Age } from '@/kit/Age'
import { Avatar } from '@/kit/Avatar'
import { Part, Share } from '@/kit/Facts'
import { useAssignees, useProfiles } from '@/profiles/reading'
import { useSettings } from '@/settings/reading'

/** How many tasks each profile runs of those it may, and what tenants and resources may take. */
export function Caps({ health }: { health: Health }) {
  const profiles = useProfiles().data?.profiles ?? []
  const assignees = useAssignees()
  const limits = useLimits()
  if (profiles.length === 0 && limits.length === 0) return null
  const running = (name: string) =>
    assignees.data?.assignees.find((one) => one.assignee === name)?.tasks.running ?? 0
  return (
    <Part
      title="Caps"
      fresh={
        assignees.dataUpdatedAt > 0 && (
          <>
            read <Age at={assignees.dataUpdatedAt / 1_000} /> ago
          </>
        )
      }
    >
      <ul className="boxed caps">
        {profiles.map((one) => {
          const cap = one.max_in_progress ?? health.max_in_progress
          return (
            <li key={one.name}>
              <Avatar name={one.name} />
              <span className="grow cut">{one.name}</span>
              <Share taken={running(one.name)} of={cap} />
              <span className="figure">
                {running(one.name)} of {cap}
              </span>
            </li>
          )
        })}
        {limits.map(([name, cap]) => (
          <li key={name}>
            <span className="grow cut">{name}</span>
            <span className="figure">at most {cap}</span>
          </li>
        ))}
      </ul>
    </Part>
  )
}

function useLimits(): [string, number][] {
  const settings = useSettings()
  const kanban: Record<string, unknown> = settings.data?.kanban ?? {}
  return [
    ...numbersOf(kanban.max_in_progress_per_tenant).map(([name, cap]): [string, number] => [
      `Tenant ${name}`,
      cap,
    ]),
    ...numbersOf(kanban.resources).map(([name, cap]): [string, number] => [
      `Resource ${name}`,
      cap,
    ]),
  ]
}

function numbersOf(value: unknown): [string, number][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).filter((one): one is [string, number] => typeof one[1] === 'number')
}
