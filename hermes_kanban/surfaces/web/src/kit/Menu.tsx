import { Menu as Base } from '@base-ui/react/menu'
import type { ReactElement, ReactNode } from 'react'

export interface MenuItem {
  label: ReactNode
  icon?: ReactNode
  hint?: string
  /** Why it cannot be chosen now; shown, and not hidden. */
  whyNot?: string | null
  checked?: boolean
  onSelect: () => void
}

/** A menu under `trigger`, a button. `null` among the items is a line. */
export function Menu(props: {
  trigger: ReactElement<Record<string, unknown>>
  title?: string
  items: readonly (MenuItem | null)[]
  open?: boolean
  onOpenChange?: (open: boolean) => void
}) {
  return (
    <Base.Root open={props.open} onOpenChange={props.onOpenChange}>
      <Base.Trigger render={props.trigger} />
      <Base.Portal>
        <Base.Positioner className="over" sideOffset={4} align="start" collisionPadding={8}>
          <Base.Popup className="pop">
            {props.title !== undefined && <div className="pop-title">{props.title}</div>}
            {props.items.map((item, index) =>
              item === null ? (
                <Base.Separator key={index} className="pop-line" />
              ) : (
                <Entry key={index} item={item} />
              ),
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}

function Entry({ item }: { item: MenuItem }) {
  const inside = (
    <>
      {item.icon}
      <span className="grow">
        {item.label}
        {item.whyNot && <span className="dim"> · {item.whyNot}</span>}
      </span>
      {item.hint !== undefined && <kbd className="hint">{item.hint}</kbd>}
    </>
  )
  const disabled = Boolean(item.whyNot)
  if (item.checked === undefined) {
    return (
      <Base.Item className="pop-item" disabled={disabled} onClick={item.onSelect}>
        {inside}
      </Base.Item>
    )
  }
  return (
    <Base.CheckboxItem
      className="pop-item"
      checked={item.checked}
      disabled={disabled}
      onCheckedChange={item.onSelect}
    >
      {inside}
      <Base.CheckboxItemIndicator>✓</Base.CheckboxItemIndicator>
    </Base.CheckboxItem>
  )
}
