import { Tooltip } from '@base-ui/react/tooltip'
import { type ComponentProps, type ReactNode, useState } from 'react'

type Look = 'plain' | 'primary' | 'quiet'

interface Props extends ComponentProps<'button'> {
  look?: Look
  small?: boolean
  /** The key that does the same; shown in the button. */
  hint?: string
}

/** A button that says in words what it does. */
export function Button({ look = 'plain', small, hint, children, className = '', ...rest }: Props) {
  const classes = `btn ${look === 'plain' ? '' : look} ${small ? 'small' : ''} ${className}`
  return (
    <button type="button" className={classes} {...rest}>
      {children}
      {hint !== undefined && <Key>{hint}</Key>}
    </button>
  )
}

/** A key, as a hint; screen readers hear of keys elsewhere. */
export function Key({ children }: { children: ReactNode }) {
  return (
    <kbd className="hint" aria-hidden="true">
      {children}
    </kbd>
  )
}

interface IconProps extends Omit<Props, 'children' | 'hint'> {
  name: string
  hint?: string
  children: ReactNode
}

/** A button that shows an icon; `name` is its name for everybody, as a tooltip and for readers. */
export function IconButton({
  name,
  hint,
  look = 'quiet',
  small,
  className = '',
  ...rest
}: IconProps) {
  const classes = `btn icon ${look === 'plain' ? '' : look} ${small ? 'small' : ''} ${className}`
  return (
    <Tip text={name} hint={hint}>
      <button type="button" className={classes} aria-label={name} {...rest} />
    </Tip>
  )
}

/** A tooltip around one element, which keeps its own accessible name. */
export function Tip(props: {
  text: ReactNode
  hint?: string
  side?: 'top' | 'right' | 'bottom' | 'left'
  children: React.ReactElement<Record<string, unknown>>
}) {
  const [open, setOpen] = useState(false)
  return (
    <Tooltip.Root
      open={open}
      onOpenChange={(next, details) => {
        // Escape ends the tooltip, and does what it does without one as well.
        if (details.reason === 'escape-key') {
          details.allowPropagation()
          details.cancel()
        }
        setOpen(next)
      }}
    >
      <Tooltip.Trigger render={props.children} />
      <Tooltip.Portal>
        <Tooltip.Positioner className="over" sideOffset={6} side={props.side ?? 'bottom'}>
          <Tooltip.Popup className="tip">
            {props.text} {props.hint !== undefined && <kbd>{props.hint}</kbd>}
          </Tooltip.Popup>
        </Tooltip.Positioner>
      </Tooltip.Portal>
    </Tooltip.Root>
  )
}
