/** What a press means. */

interface Held {
  metaKey: boolean
  ctrlKey: boolean
  shiftKey: boolean
}

/** Whether a click on a link asks for its page in another tab or window: the browser's own to do. */
export function isForBrowser({ metaKey, ctrlKey, shiftKey }: Held): boolean {
  return metaKey || ctrlKey || shiftKey
}

/** Whether a key sends what is typed: Enter with Ctrl or Command. */
export function isSend({ key, metaKey, ctrlKey }: Held & { key: string }): boolean {
  return key === 'Enter' && (metaKey || ctrlKey)
}
