import { Copy } from 'lucide-react'
import type { ReactNode } from 'react'
import { IconButton } from './Button'
import { copy } from './clipboard'

/** What would be here, and the command or the button that makes it so. */
export function Empty(props: { title: string; children?: ReactNode; command?: string }) {
  return (
    <div className="empty">
      <h2>{props.title}</h2>
      {props.children}
      {props.command !== undefined && <Command text={props.command} />}
    </div>
  )
}

/** A command to take along. */
export function Command({ text }: { text: string }) {
  return (
    <p className="command">
      <code>{text}</code>
      <IconButton name="Copy" small onClick={() => copy(text)}>
        <Copy className="i" />
      </IconButton>
    </p>
  )
}
