/** Undo: of what was done on this page, and of what the person did before it. */

import type { QueryClient } from '@tanstack/react-query'
import type { Undone } from '@/api/types'
import { shown } from '@/keys/table'
import { toast } from '@/kit/toasts'
import { serverNow } from '@/live/clock'
import { offlineSentence } from '@/live/connection'
import { settled, THE_BOARD, takeNewest } from './history'
import { letIn } from './optimism'
import { perform } from './perform'
import { closeUndoToast, report, type Told } from './report'
import { offerSentence, undoneSentence } from './words'

const NOT_UNDONE: Told = { past: 'as before', not: 'Nothing taken back.', final: true }

// As long as its toast is shown.
const OFFER_MILLISECONDS = 8_000
let offer: { board: string; at: number; close: () => void } | null = null

/** Takes back what was done last here, or before, by the person anywhere. */
export async function takeBackLast(client: QueryClient, board: string): Promise<boolean> {
  const offline = offlineSentence()
  if (offline !== null) {
    toast(`Nothing taken back. ${offline}`, { bad: true })
    return false
  }
  await settled(board)
  closeUndoToast()
  const newest = takeNewest(board)
  if (newest !== null) return take(client, board, newest.toReversed())
  const offered = offer
  offer = null
  if (offered?.board === board && Date.now() - offered.at < OFFER_MILLISECONDS) {
    offered.close()
    return take(client, board, [null])
  }
  return offerUndo(client, board)
}

/** Nothing was done on this page: what the person did before is taken back by a second press. */
async function offerUndo(client: QueryClient, board: string): Promise<boolean> {
  const asked = { verb: 'undo', id: null, arguments: { dry_run: true } }
  const { done, refused } = await perform(client, board, [asked])
  const [first] = done
  if (first === undefined) {
    report(board, { done, refused }, NOT_UNDONE, {
      undo: () => undefined,
      again: () => void takeBackLast(client, board),
    })
    return false
  }
  const would = first.answer as unknown as Undone
  const close = toast(offerSentence(would, serverNow()), {
    action: {
      label: 'Take back',
      hint: shown('undo'),
      act: () => {
        offer = null
        void take(client, board, [null])
      },
    },
  })
  offer = { board, at: Date.now(), close }
  return false
}

/** Undoes on each of the tasks; null is whatever was last. An undo undone is the verb again. */
async function take(
  client: QueryClient,
  board: string,
  ids: readonly (string | null)[],
): Promise<boolean> {
  const asked = ids.map((id) => ({
    verb: 'undo',
    id: id === THE_BOARD ? null : id,
    arguments: id === null || id === THE_BOARD ? {} : { task_id: id },
  }))
  const { done, refused } = await perform(client, board, asked)
  const back = done.flatMap(({ answer }) => (answer as { task_id?: string }).task_id ?? [])
  letIn(client, board, back)
  const [first] = done
  if (done.length === 1 && first !== undefined && refused.length === 0) {
    const undone = first.answer as unknown as Undone
    const again = () => void take(client, board, [undone.task_id])
    toast(undoneSentence(undone), { action: { label: 'Redo', act: again } })
    return true
  }
  report(board, { done, refused }, NOT_UNDONE, {
    undo: () => undefined,
    again: () => void take(client, board, ids),
  })
  if (refused.length === 0) toast(`${done.length} tasks are as before.`)
  return refused.length === 0
}
