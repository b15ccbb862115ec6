import { Toast } from '@base-ui/react/toast'
import { CircleCheck, Info, TriangleAlert, X } from 'lucide-react'
import { sentenceOf } from '@/api/problem'
import { IconButton } from './Button'

const manager = Toast.createToastManager()
const SHOWN_MILLISECONDS = 8_000

interface Action {
  label: string
  hint?: string
  act: () => void
}

/** Says in one sentence what was done, or what was not and why; with at most one thing to do. */
export function toast(text: string, options: { bad?: boolean; action?: Action } = {}): void {
  const { bad = false, action } = options
  manager.add({
    description: text,
    type: bad ? 'bad' : 'good',
    priority: bad ? 'high' : 'low',
    timeout: SHOWN_MILLISECONDS,
    actionProps:
      action === undefined
        ? undefined
        : { onClick: action.act, children: action.label, 'aria-keyshortcuts': action.hint },
  })
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
  const { toasts, close } = Toast.useToastManager()
  return toasts.map((one) => (
    <Toast.Root key={one.id} toast={one} className="toast">
      <Mark type={one.type} />
      <Toast.Description className="toast-text" />
      {one.actionProps !== undefined && <Toast.Action className="btn small" />}
      <IconButton name="Dismiss" small onClick={() => close(one.id)}>
        <X className="i" />
      </IconButton>
    </Toast.Root>
  ))
}

function Mark({ type }: { type: string | undefined }) {
  if (type === 'bad') return <TriangleAlert className="i st blocked" aria-hidden="true" />
  if (type === 'good') return <CircleCheck className="i st done" aria-hidden="true" />
  return <Info className="i" aria-hidden="true" />
}
