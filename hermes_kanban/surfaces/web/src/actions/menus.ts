/** Actions that ask first: the pickers and forms behind the keys and the buttons. */

import type { QueryClient } from '@tanstack/react-query'
import { createElement } from 'react'
import { boardClient, held } from '@/api/client'
import { type Move, STATUSES, type Status } from '@/api/types'
import { Avatar, isPerson, plainName } from '@/kit/Avatar'
import { StatusIcon } from '@/kit/StatusIcon'
import { statusName } from '@/kit/sentences'
import { toast, toastProblem } from '@/kit/toasts'
import { offlineSentence } from '@/live/connection'
import { keys } from '@/live/keys'
import type { Actions, BlockKind } from './actions'
import { askPick, askText, type PickOption } from './asking'
import { movesTo, whyNone } from './moving'
import { PRIORITIES } from './priorities'
import type { Subjects } from './subject'
import { namesOf } from './words'

export type Menus = ReturnType<typeof menusOn>

const NOBODY = ''

const BLOCK_KINDS: { value: BlockKind; label: string; told: string }[] = [
  { value: 'needs_input', label: 'A person answers', told: 'It waits for an answer.' },
  {
    value: 'capability',
    label: 'Another agent',
    told: 'Its agent cannot do it; somebody assigns it anew.',
  },
  { value: 'transient', label: 'Later', told: 'The board tries it again by itself.' },
  { value: 'dependency', label: 'Another task', told: 'It waits for a parent that is open.' },
]

/** The menus on one board; each for one or several tasks, none where there are none. */
export function menusOn(client: QueryClient, board: string, actions: Actions) {
  /** `act` where something can be changed at all; refusals of a read are told. */
  async function guarded(subjects: Subjects, act: () => Promise<boolean>): Promise<boolean> {
    if (subjects.length === 0) return false
    const offline = offlineSentence()
    if (offline !== null) {
      toast(`Nothing changed. ${offline}`, { bad: true })
      return false
    }
    try {
      return await act()
    } catch (error) {
      toastProblem(error)
      return false
    }
  }

  /** `act` where the server allows the verb on one of the tasks at least; else says why not. */
  async function where(
    verb: string,
    not: string,
    subjects: Subjects,
    act: () => Promise<boolean>,
  ): Promise<boolean> {
    return guarded(subjects, async () => {
      const all = [...(await actions.movesOf(subjects)).values()]
      if (all.some((one) => one.verbs.includes(verb))) return act()
      const [first] = all
      const which = first === undefined ? namesOf(subjects) : `${first.id} is ${first.status}`
      toast(`${not} ${all.length > 1 ? `None of ${namesOf(subjects)} can be.` : `${which}.`}`, {
        bad: true,
      })
      return false
    })
  }

  return {
    move: (subjects: Subjects) =>
      guarded(subjects, async () => {
        const moves = await actions.movesOf(subjects)
        const options = STATUSES.flatMap((to): PickOption[] => {
          const all = movesTo(moves, to)
          if (all.length === 0) return []
          const can = all.filter((one) => one.allowed)
          const [first] = can
          return [
            {
              value: to,
              label: statusName(to),
              icon: createElement(StatusIcon, { status: to }),
              told: moveTold(can.length, subjects.length, first),
              whyNot: whyNone(moves, to),
            },
          ]
        })
        // What can be chosen comes first, in the order of the columns.
        options.sort((a, b) => Number(a.whyNot !== null) - Number(b.whyNot !== null))
        const to = await askPick({
          title: `Move ${namesOf(subjects)}`,
          placeholder: 'Move to…',
          options,
        })
        if (to === null) return false
        return actions.move(subjects, to as Status, { known: moves })
      }),

    assign: (subjects: Subjects) =>
      guarded(subjects, async () => {
        const options = await assigneeOptions(client, board, subjects)
        const chosen = await askPick({
          title: `Assign ${namesOf(subjects)}`,
          placeholder: 'Assign to…',
          options,
          other: (typed) => ({
            value: typed,
            label: `Assign to “${typed}”`,
            told: 'no profile is called so yet',
          }),
        })
        if (chosen === null) return false
        return actions.assign(subjects, chosen === NOBODY ? null : chosen)
      }),

    priority: (subjects: Subjects) =>
      guarded(subjects, async () => {
        const has = new Set(subjects.map((one) => one.priority))
        const chosen = await askPick({
          title: `Priority of ${namesOf(subjects)}`,
          placeholder: 'Priority…',
          options: PRIORITIES.map(({ priority, word }) => ({
            value: String(priority),
            label: statusName(word),
            told: String(priority),
            checked: has.size === 1 && has.has(priority),
          })),
          other: (typed) =>
            /^-?\d{1,6}$/.test(typed) ? { value: typed, label: `Priority ${typed}` } : null,
        })
        return chosen === null ? false : actions.prioritise(subjects, Number(chosen))
      }),

    block: (subjects: Subjects) =>
      where('block', 'Not blocked.', subjects, async () => {
        const said = await askText({
          title: `Block ${namesOf(subjects)}`,
          label: 'What is missing? A list of short answers may end it.',
          submit: 'Block',
          required: true,
          choice: { label: 'Lifted by', options: BLOCK_KINDS },
        })
        if (said === null) return false
        return actions.block(subjects, said.text, (said.choice ?? 'needs_input') as BlockKind)
      }),

    unblock: (subjects: Subjects) =>
      where('unblock', 'Not unblocked.', subjects, async () => {
        const said = await askText({
          title: `Unblock ${namesOf(subjects)}`,
          label: 'The answer, for its worker',
          submit: 'Unblock',
          required: false,
        })
        return said === null ? false : actions.unblock(subjects, said.text)
      }),

    comment: (subjects: Subjects) =>
      where('comment', 'Not commented.', subjects, async () => {
        const said = await askText({
          title: `Comment on ${namesOf(subjects)}`,
          label: 'For people and agents',
          submit: 'Comment',
          required: true,
        })
        return said === null ? false : actions.comment(subjects, said.text)
      }),

    archive: (subjects: Subjects) =>
      where('archive', 'Not archived.', subjects, () => actions.archive(subjects)),
    reclaim: (subjects: Subjects) =>
      where('reclaim', 'Not reclaimed.', subjects, () => actions.reclaim(subjects)),
    copyLink: (subjects: Subjects): false => {
      if (subjects.length > 0) actions.copyLink(subjects)
      return false
    },
  }
}

/** How many of them may go there, and what goes with it. */
function moveTold(can: number, of: number, move: Move | undefined): string | undefined {
  const words = [
    ...(can > 0 && can < of ? [`${can} of ${of}`] : []),
    ...(move?.needs ? [`needs a ${move.needs}`] : []),
    ...(move?.stops_work ? ['stops the worker'] : []),
  ]
  return words.length === 0 ? undefined : words.join(' · ')
}

/** Nobody, the profiles, and whoever else was seen on the board. */
export async function assigneeOptions(
  client: QueryClient,
  board: string,
  subjects: Subjects,
): Promise<PickOption[]> {
  const api = boardClient(board)
  const [{ profiles }, { assignees }] = await Promise.all([
    client.ensureQueryData({
      queryKey: keys.still(board, 'profiles'),
      queryFn: async () => held(await api.GET('/profiles')),
    }),
    client.fetchQuery({
      queryKey: keys.slow(board, 'assignees'),
      queryFn: async () => held(await api.GET('/assignees')),
      staleTime: 10_000,
    }),
  ])
  const has = new Set(subjects.map((one) => one.assignee))
  const checked = (name: string | null) => has.size === 1 && has.has(name)
  const known = new Set(profiles.map((one) => one.name))
  const seen = assignees.flatMap(({ assignee }) =>
    assignee === null || known.has(assignee) ? [] : [assignee],
  )
  return [
    ...profiles.map((one) => ({
      value: one.name,
      label: one.name,
      told: one.description || one.runtime,
      icon: createElement(Avatar, { name: one.name }),
      checked: checked(one.name),
    })),
    ...seen.map((name) => ({
      value: name,
      label: plainName(name),
      told: isPerson(name) ? 'a person' : 'no profile',
      icon: createElement(Avatar, { name }),
      checked: checked(name),
    })),
    { value: NOBODY, label: 'Nobody', checked: checked(null) },
  ]
}
