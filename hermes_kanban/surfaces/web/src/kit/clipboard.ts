import { toast } from './toasts'

/** Copies a text and says so; where a browser has no clipboard, or forbids it, that is said. */
export function copy(text: string, told = 'Copied.'): void {
  const refused = () => toast('Not copied: the browser does not allow it.', { bad: true })
  // Without https there is none but on this machine.
  const clipboard: Clipboard | undefined = navigator.clipboard
  if (clipboard === undefined) refused()
  else clipboard.writeText(text).then(() => toast(told), refused)
}
