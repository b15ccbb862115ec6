import type { QueryClient } from '@tanstack/react-query'
import { plainName } from '@/kit/Avatar'
import { elapsed } from '@/kit/time'
import { serverNow } from '@/live/clock'
import { askConfirm } from './asking'
import { cardOf } from './optimism'
import type { Subject, Subjects } from './subject'
import { namesOf } from './words'

/** Whether their workers may be stopped; asks only where there are some. */
export async function mayStop(
  client: QueryClient,
  board: string,
  running: Subjects,
  submit: string,
): Promise<boolean> {
  if (running.length === 0) return true
  return askConfirm({
    title:
      running.length === 1
        ? `Stop the worker of ${namesOf(running)}?`
        : `Stop ${running.length} workers?`,
    lines: running.map((one) => lineOf(client, board, one)),
    told: 'What was done in its workspace stays there. Its run ends, and no undo brings it back.',
    submit,
  })
}

/** "t_k7f3 · backend · running 14:07 · Rotate API keys". */
function lineOf(client: QueryClient, board: string, subject: Subject): string {
  const at = subject.live ?? cardOf(client, board, subject.id)?.live
  const since = at?.started_at ?? subject.started_at
  const who = at?.profile ?? subject.assignee
  return [
    subject.id,
    who === null ? 'nobody' : plainName(who),
    ...(since == null ? [] : [`running ${elapsed(serverNow() - since)}`]),
    subject.title,
  ].join(' · ')
}
