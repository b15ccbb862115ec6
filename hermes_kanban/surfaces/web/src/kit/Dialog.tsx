import { Dialog as Base } from '@base-ui/react/dialog'
import type { KeyboardEventHandler, ReactNode, RefObject } from 'react'

/** A dialog that takes the focus and gives it back. */
export function Dialog(props: {
  open: boolean
  onClose: () => void
  title: string
  children: ReactNode
  className?: string
  /** What has the focus first; else the first thing that can have it. */
  first?: RefObject<HTMLElement | null>
  /** It asks for a decision that must not be passed over. */
  alert?: boolean
  /** Hears the keys of everything in it. */
  onKeyDown?: KeyboardEventHandler
}) {
  const { first } = props
  // At once: in a frame that is still to come, what is typed before it would be lost.
  const takeFocus = () => {
    first?.current?.focus()
    return first?.current == null
  }
  return (
    <Base.Root open={props.open} onOpenChange={(open) => !open && props.onClose()}>
      <Base.Portal>
        <Base.Backdrop className="scrim" />
        <Base.Popup
          className={`dialog ${props.className ?? ''}`}
          initialFocus={first === undefined ? undefined : takeFocus}
          onKeyDown={props.onKeyDown}
          {...(props.alert ? { role: 'alertdialog' } : {})}
        >
          <Base.Title className="dialog-title">{props.title}</Base.Title>
          {props.children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
