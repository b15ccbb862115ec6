import { useCallback, useLayoutEffect, useRef } from 'react'
import { toast } from '@/kit/toasts'

const STARTLED_MILLISECONDS = 1_500
const OWN_MILLISECONDS = 5_000

/**
 * Whether a key that answers is meant for the item that has it: where somebody else took away the one
 * before, it was pressed for that. `own` says that this page moves on; `isMeant` says why not.
 */
export function useMeant(id: string | undefined) {
  const owned = useRef(Number.NEGATIVE_INFINITY)
  const slid = useRef({ at: Number.NEGATIVE_INFINITY, from: '' })
  const before = useRef(id)
  useLayoutEffect(() => {
    if (before.current === id) return
    const now = performance.now()
    const isOwn = now - owned.current < OWN_MILLISECONDS
    if (!isOwn && before.current !== undefined) slid.current = { at: now, from: before.current }
    owned.current = Number.NEGATIVE_INFINITY
    before.current = id
  }, [id])
  const own = useCallback(() => {
    owned.current = performance.now()
  }, [])
  const isMeant = useCallback(() => {
    if (performance.now() - slid.current.at > STARTLED_MILLISECONDS) return true
    toast('Nothing answered. What you looked at waits no longer; this is the next.', { bad: true })
    return false
  }, [])
  return { own, isMeant }
}
