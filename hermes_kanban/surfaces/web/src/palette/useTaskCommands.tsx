/** What the palette can do with tasks. */

import {
  Archive,
  ArrowRightLeft,
  Ban,
  Bell,
  CircleCheck,
  Copy,
  Eye,
  MessageSquare,
  Play,
  Signal,
  Square,
  UserRound,
} from 'lucide-react'
import { useActions, useMenus } from '@/actions/useActions'
import type { Card } from '@/api/types'
import { useNotify } from '@/app/notify'
import { useOpenTask } from '@/app/places'
import { boxes, type Command, type Group, icon } from './command'

/**
 * What can be done with tasks. `verbs` are those that the server allows on a single one; of several
 * it says with each verb which it refuses.
 */
export function useTaskCommands(
  cards: readonly Card[],
  verbs: readonly string[] | undefined,
): Group | null {
  const menus = useMenus()
  const actions = useActions()
  const openTask = useOpenTask()
  const notify = useNotify()
  const [first] = cards
  if (first === undefined) return null
  const single = cards.length === 1
  const agent = first.assignee ?? 'its agent'
  const all: (Command & { verb?: string })[] = [
    ...(single
      ? [{ id: 'open', label: 'Open', icon: icon(Eye), run: () => openTask(first.id) }]
      : []),
    {
      id: 'approve',
      verb: 'approve',
      label: 'Approve',
      icon: icon(CircleCheck),
      run: () => void actions.approve(cards),
    },
    {
      id: 'changes',
      verb: 'request_changes',
      label: 'Request changes…',
      icon: icon(MessageSquare),
      run: () => void actions.requestChanges(cards),
    },
    {
      id: 'unblock',
      verb: 'unblock',
      label: 'Unblock with an answer…',
      also: 'reply retry',
      icon: icon(Play),
      keys: boxes('unblock'),
      run: () => void menus.unblock(cards),
    },
    {
      id: 'comment',
      verb: 'comment',
      label: first.status === 'running' && single ? `Message ${agent}…` : 'Comment…',
      also: 'reply',
      icon: icon(MessageSquare),
      keys: boxes('comment'),
      run: () => void menus.comment(cards),
    },
    {
      id: 'assign',
      verb: 'assign',
      label: 'Assign to…',
      icon: icon(UserRound),
      keys: boxes('assign'),
      run: () => void menus.assign(cards),
    },
    {
      id: 'move',
      label: 'Move to…',
      also: 'status column',
      icon: icon(ArrowRightLeft),
      keys: boxes('move'),
      run: () => void menus.move(cards),
    },
    {
      id: 'priority',
      verb: 'prioritise',
      label: 'Priority…',
      icon: icon(Signal),
      keys: boxes('priority'),
      run: () => void menus.priority(cards),
    },
    {
      id: 'block',
      verb: 'block',
      label: 'Block…',
      icon: icon(Ban),
      keys: boxes('block'),
      run: () => void menus.block(cards),
    },
    {
      id: 'reclaim',
      verb: 'reclaim',
      label: 'Reclaim: stop this run and make it ready',
      icon: icon(Square),
      keys: boxes('reclaim'),
      run: () => void menus.reclaim(cards),
    },
    {
      id: 'archive',
      verb: 'archive',
      label: 'Archive',
      icon: icon(Archive),
      keys: boxes('archive'),
      run: () => void menus.archive(cards),
    },
    ...(single
      ? [
          {
            id: 'notify',
            label: 'Notify…',
            also: 'subscribe bell tell message',
            icon: icon(Bell),
            keys: boxes('notify'),
            run: () => notify(first.id),
          },
        ]
      : []),
    {
      id: 'copy',
      label: single ? 'Copy link' : 'Copy links',
      icon: icon(Copy),
      keys: boxes('copyLink'),
      run: () => menus.copyLink(cards),
    },
  ]
  const may = (verb: string | undefined) =>
    verb === undefined || verbs === undefined || verbs.includes(verb)
  return {
    title: single ? `On ${first.id} ${first.title}` : `On ${cards.length} selected tasks`,
    commands: all.filter((one) => may(one.verb)).map((one) => ({ ...one, id: `task ${one.id}` })),
  }
}
