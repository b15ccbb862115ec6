import { Toast } from '@base-ui/react/toast'
import { CircleCheck, Info, TriangleAlert, X } from 'lucide-react'
import { useState } from 'react'
import { sentenceOf } from '@/api/problem'
import { Button, IconButton, Key } from './Button'

const manager = Toast.createToastManager()
const SHOWN_MILLISECONDS = 8_000
// What was not done, by its sentence, while it is shown.
const said = new Map<string, string>()

interface Action {
  label: string
  /** The key that does the same. */
  hint?: string
  act: () => void
}

export interface ToastRow {
  name: string
  text: string
  open?: () => void
}

interface Options {
  bad?: boolean
  /** Done, but something is to be known of it. */
  warn?: boolean
  action?: Action
  /** Shown until somebody closes it: what was typed is nowhere else. */
  stays?: boolean
  /** What "show" unfolds below the sentence. */
  rows?: readonly ToastRow[]
}

interface Data {
  rows: readonly ToastRow[]
}

/**
 * Says in one sentence what was done, or what was not and why; with at most one thing to do.
 * Returns what closes it.
 */
export function toast(text: string, options: Options = {}): () => void {
  const { bad = false, warn = false, action, stays = false, rows = [] } = options
  // Said again it is said anew, not twice.
  const before = bad ? said.get(text) : undefined
  if (before !== undefined) manager.close(before)
  const id = manager.add<Data>({
    onRemove: () => said.get(text) === id && said.delete(text),
    title: text,
    type: bad ? 'bad' : warn ? 'warn' : 'good',
    priority: bad ? 'high' : 'low',
    timeout: stays ? 0 : SHOWN_MILLISECONDS,
    data: { rows },
    actionProps:
      action === undefined
        ? undefined
        : {
            onClick: () => {
              manager.close(id)
              action.act()
            },
            children: (
              <>
                {action.label}
                {action.hint !== undefined && <Key>{action.hint}</Key>}
              </>
            ),
            'aria-keyshortcuts': action.hint,
          },
  })
  if (bad) said.set(text, id)
  return () => manager.close(id)
}

/** Says why something was not done. */
export function toastProblem(error: unknown, before = ''): void {
  toast(before === '' ? sentenceOf(error) : `${before} ${sentenceOf(error)}`, { bad: true })
}

/** Where toasts are shown; once in the page. */
export function Toasts() {
  return (
    <Toast.Provider toastManager={manager} limit={4}>
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <Shown />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  )
}

function Shown() {
  const { toasts, close } = Toast.useToastManager<Data>()
  return toasts.map((one) => (
    <Toast.Root
      key={one.id}
      toast={one}
      className="toast"
      aria-label={one.type === 'bad' ? 'Not done' : 'Done'}
    >
      <Mark type={one.type} />
      <div className="toast-text">
        <Toast.Title render={<p />} />
        <Rows id={one.id} rows={one.data?.rows ?? []} />
      </div>
      {one.actionProps !== undefined && <Toast.Action className="btn small" />}
      <IconButton name="Dismiss" small onClick={() => close(one.id)}>
        <X className="i" />
      </IconButton>
    </Toast.Root>
  ))
}

/** The list that a toast has to show, kept open for as long as it is read. */
function Rows({ id, rows }: { id: string; rows: readonly ToastRow[] }) {
  const [open, setOpen] = useState(false)
  if (rows.length === 0) return null
  const unfold = () => {
    setOpen(!open)
    if (!open) manager.update(id, { timeout: 0 })
  }
  return (
    <>
      <Button look="quiet" small className="toast-more" aria-expanded={open} onClick={unfold}>
        {open ? 'Hide' : 'Show'}
      </Button>
      {open && (
        <ul className="toast-rows">
          {rows.map((row) => (
            <li key={row.name}>
              {row.open === undefined ? (
                <b>{row.name}</b>
              ) : (
                <button type="button" className="toast-name" onClick={row.open}>
                  {row.name}
                </button>
              )}{' '}
              {row.text}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function Mark({ type }: { type: string | undefined }) {
  if (type === 'bad') return <TriangleAlert className="i st blocked" aria-hidden="true" />
  if (type === 'warn') return <TriangleAlert className="i st running" aria-hidden="true" />
  if (type === 'good') return <CircleCheck className="i st done" aria-hidden="true" />
  return <Info className="i" aria-hidden="true" />
}
