import { Menu } from '@base-ui/react/menu'
import { ChevronRight, ListFilter } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import { PRIORITIES } from '@/actions/priorities'
import { STATUSES } from '@/api/types'
import { useLaneCounts } from '@/app/reads'
import { shown } from '@/keys/table'
import { useKeys } from '@/keys/useKeys'
import { Avatar } from '@/kit/Avatar'
import { Button } from '@/kit/Button'
import { count } from '@/kit/numbers'
import { PriorityBars } from '@/kit/Priority'
import { StatusIcon } from '@/kit/StatusIcon'
import { statusName } from '@/kit/sentences'
import { useView } from './context'
import { type Filter, type LaneKind, NOBODY } from './filter'

/** Everything that the board can be narrowed by; stays open while values are chosen. */
export function FilterMenu({ onChange }: { onChange: (filter: Filter) => void }) {
  const { filter } = useView()
  const [open, setOpen] = useState(false)
  useKeys('board', { filter: () => setOpen(true) })
  const flip = <T extends string>(list: readonly T[], value: T): T[] =>
    list.includes(value) ? list.filter((one) => one !== value) : [...list, value]
  return (
    <Menu.Root open={open} onOpenChange={setOpen}>
      <Menu.Trigger
        render={
          <Button small hint={shown('filter')} className="filter-button">
            <ListFilter className="i" aria-hidden="true" />
            Filter
          </Button>
        }
      />
      <Menu.Portal>
        <Menu.Positioner className="over" sideOffset={4} align="start" collisionPadding={8}>
          <Menu.Popup className="pop">
            <Sub name="Status">
              {STATUSES.map((status) => (
                <Check
                  key={status}
                  checked={filter.status.includes(status)}
                  onChange={() => onChange({ ...filter, status: flip(filter.status, status) })}
                >
                  <StatusIcon status={status} />
                  <span className="grow">{statusName(status)}</span>
                </Check>
              ))}
            </Sub>
            <Sub name="Assignee">
              <Names
                kind="assignee"
                chosen={filter.assignee}
                onFlip={(name) => onChange({ ...filter, assignee: flip(filter.assignee, name) })}
              />
            </Sub>
            <Sub name="Tenant">
              <Names
                kind="tenant"
                chosen={filter.tenant}
                onFlip={(name) => onChange({ ...filter, tenant: flip(filter.tenant, name) })}
              />
            </Sub>
            <Sub name="Priority">
              {PRIORITIES.filter((one) => one.priority > 0).map(({ priority: value, word }) => (
                <Check
                  key={value}
                  checked={filter.minPriority === value}
                  onChange={(checked) =>
                    onChange({ ...filter, minPriority: checked ? value : null })
                  }
                >
                  <PriorityBars value={value} />
                  <span className="grow">{statusName(word)} or more</span>
                </Check>
              ))}
            </Sub>
            <Menu.Separator className="pop-line" />
            <Check
              checked={filter.needsYou}
              onChange={(needsYou) => onChange({ ...filter, needsYou })}
            >
              <span className="grow">Needs you</span>
            </Check>
            <Check
              checked={filter.archived}
              onChange={(archived) => onChange({ ...filter, archived })}
            >
              <span className="grow">With archived</span>
            </Check>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  )
}

function Sub({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Menu.SubmenuRoot>
      <Menu.SubmenuTrigger className="pop-item">
        <span className="grow">{name}</span>
        <ChevronRight className="i" aria-hidden="true" />
      </Menu.SubmenuTrigger>
      <Menu.Portal>
        <Menu.Positioner className="over" sideOffset={2} collisionPadding={8}>
          <Menu.Popup className="pop">{children}</Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.SubmenuRoot>
  )
}

function Check(props: {
  checked: boolean
  onChange: (checked: boolean) => void
  children: ReactNode
}) {
  return (
    <Menu.CheckboxItem
      className="pop-item"
      checked={props.checked}
      onCheckedChange={props.onChange}
      closeOnClick={false}
    >
      {props.children}
      <span className="pop-check">
        <Menu.CheckboxItemIndicator>✓</Menu.CheckboxItemIndicator>
      </span>
    </Menu.CheckboxItem>
  )
}

/** Who or what there is on the board, the busiest first. */
function Names(props: {
  kind: LaneKind
  chosen: readonly string[]
  onFlip: (name: string) => void
}) {
  const { kind, chosen, onFlip } = props
  const lanes = useLaneCounts(kind)
  const found = lanes.data ?? []
  // What is chosen but nowhere on the board can still be taken away.
  const known = new Set(found.map((one) => one.name ?? NOBODY))
  const others = chosen.filter((one) => !known.has(one))
  return (
    <>
      {found.map(({ name, counts }) => (
        <Check
          key={name ?? NOBODY}
          checked={chosen.includes(name ?? NOBODY)}
          onChange={() => onFlip(name ?? NOBODY)}
        >
          {name !== null && kind === 'assignee' && <Avatar name={name} />}
          <span className="grow">{name ?? (kind === 'assignee' ? 'Unassigned' : 'No tenant')}</span>
          <span className="dim">{count(openOf(counts))}</span>
        </Check>
      ))}
      {others.map((name) => (
        <Check key={name} checked onChange={() => onFlip(name)}>
          <span className="grow">{name}</span>
        </Check>
      ))}
    </>
  )
}

/** How many of them are not over. */
function openOf(counts: Record<string, number>): number {
  const { done = 0, archived = 0 } = counts
  return Object.values(counts).reduce((sum, one) => sum + one, 0) - done - archived
}
