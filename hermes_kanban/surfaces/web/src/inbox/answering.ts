/** The answers to what waits, each a button and a key; what may be answered the server says. */

import { useCallback } from 'react'
import { askText } from '@/actions/asking'
import { useActions, useMenus } from '@/actions/useActions'
import type { AttentionItem } from '@/api/types'
import { useBoard } from '@/app/board'
import { placeOf, useGo, useOpenTask } from '@/app/places'
import { kindOf } from './items'

export interface Answer {
  label: string
  act: () => void
  /** What it does, where the label does not say all. */
  told?: string
  isQuiet?: boolean
  /** It is the answer in words, which has a key of its own. */
  isReply?: boolean
  /** It changes something, so it needs the server. */
  changes: boolean
}

type Run = (item: AttentionItem, act: () => Promise<boolean>) => Promise<void>

/** What an item may be answered with. `run` takes the item out of the list while that goes on. */
export function useAnswering(run: Run): (item: AttentionItem) => Answer[] {
  const { slug } = useBoard()
  const actions = useActions()
  const menus = useMenus()
  const openTask = useOpenTask()
  const go = useGo()
  return useCallback(
    (item) => {
      const { card } = item
      const subject = { ...card, question: item.question }
      const may = new Set(item.verbs)
      const change = (act: () => Promise<boolean>) => () => void run(item, act)
      const unblock = (label: string, answer?: string): Answer => ({
        label,
        act: change(() => actions.unblock([subject], answer)),
        changes: true,
      })
      const assign: Answer = {
        label: 'Assign…',
        act: () => void menus.assign([card]),
        changes: true,
      }
      const open = (label: string, part?: 'diff' | 'log' | 'runs'): Answer => ({
        label,
        act: () => openTask(card.id, part, item.run_id),
        changes: false,
      })
      const reply: Answer = {
        label: 'Reply…',
        act: () => {
          void askText({
            title: `Reply to ${card.assignee ?? card.id}`,
            label: 'Your answer, for its worker',
            submit: 'Reply and unblock',
            required: true,
          }).then((said) => {
            if (said !== null) change(() => actions.unblock([subject], said.text))()
          })
        },
        isReply: true,
        changes: true,
      }
      const isAble = (verb: string, answers: Answer[]) => (may.has(verb) ? answers : [])
      switch (kindOf(item)) {
        case 'question':
          return quietLast([
            ...isAble('unblock', [...item.choices.map((one) => unblock(one, one)), reply]),
            open('Open task'),
          ])
        case 'access':
          return quietLast([
            ...isAble('unblock', [unblock('Unblock')]),
            ...(card.assignee === null
              ? []
              : [
                  {
                    label: 'Open profile',
                    act: () => go(`~${placeOf(slug, 'profiles')}#${card.assignee}`),
                    changes: false,
                  },
                ]),
            assign,
            ...isAble('unblock', [reply]),
          ])
        case 'review':
          return quietLast([
            ...isAble('approve', [
              { label: 'Approve', act: change(() => actions.approve([subject])), changes: true },
            ]),
            open('Open diff', 'diff'),
            ...isAble('request_changes', [
              {
                label: 'Changes…',
                act: () => void actions.requestChanges([subject]),
                isReply: true,
                changes: true,
              },
            ]),
          ])
        case 'gave_up':
          return quietLast([
            ...isAble('unblock', [unblock('Retry')]),
            ...isAble('assign', [assign]),
            open('Open log', 'log'),
          ])
        case 'late_result': {
          const runId = item.run_id
          if (runId === null) return [open('Open task')]
          return quietLast([
            open('Compare', 'runs'),
            ...isAble('adopt', [
              {
                label: 'Adopt result',
                act: change(() => actions.adopt(subject, runId)),
                changes: true,
              },
            ]),
            ...isAble('dismiss', [
              {
                label: 'Dismiss',
                act: change(() => actions.dismiss(subject, runId)),
                changes: true,
              },
            ]),
          ])
        }
      }
    },
    [actions, menus, openTask, go, run, slug],
  )
}

/** The last of several is quiet: it is what one does least. */
function quietLast(answers: Answer[]): Answer[] {
  return answers.map((one, at) =>
    at > 0 && (at === answers.length - 1 || one.isReply === true) ? { ...one, isQuiet: true } : one,
  )
}
