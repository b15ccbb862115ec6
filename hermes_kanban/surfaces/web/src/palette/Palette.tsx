import { Search } from 'lucide-react'
import { useId, useLayoutEffect, useRef, useState } from 'react'
import { statusOf } from '@/api/types'
import { useOpenTask } from '@/app/places'
import { useMoves } from '@/app/reads'
import { Dialog } from '@/kit/Dialog'
import { StatusIcon } from '@/kit/StatusIcon'
import { type Command, type Group, wordsOf } from './command'
import { ranked } from './fuzzy'
import { useBoardCommands, usePlaceCommands, useTextCommands } from './useCommands'
import { useTaskCommands } from './useTaskCommands'
import { useFoundTasks, useTasks } from './useTasks'
import './palette.css'

interface Props {
  /** The tasks that were selected or had the focus when it was opened. */
  subjects: readonly string[]
  onClose: () => void
  onKeys: () => void
  onNewBoard: () => void
}

const FIRST_ACTIONS = 5

/** Everything by typing: tasks, what can be done with them, places, and what this browser keeps. */
export default function Palette({ subjects, onClose, onKeys, onNewBoard }: Props) {
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  // Tab on a task that was found shows what can be done with that one.
  const [chosen, setChosen] = useState<string | null>(null)
  const field = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const id = useId()
  const { groups, isBehind } = useGroups({
    typed,
    subjects: chosen === null ? subjects : [chosen],
    isNarrowed: chosen !== null,
    open: { keys: onKeys, board: onNewBoard },
  })
  const all = groups.flatMap((group) => group.commands)
  const place = Math.min(at, all.length - 1)
  const current = all[place]
  useLayoutEffect(() => {
    document.getElementById(`${id}-${place}`)?.scrollIntoView({ block: 'nearest' })
    if (place === 0) list.current?.scrollTo(0, 0)
  }, [id, place])

  const type = (text: string) => {
    setTyped(text)
    setAt(0)
  }
  const run = (command: Command | undefined) => {
    if (command === undefined) return
    onClose()
    // When the focus is back where it was: what is opened next takes it from there.
    requestAnimationFrame(() => requestAnimationFrame(command.run))
  }
  const narrow = (to: string | null) => {
    setChosen(to)
    type('')
  }
  const press = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    const step = (by: number) => setAt((place + by + all.length) % Math.max(1, all.length))
    const act = {
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      PageDown: () => setAt(Math.min(all.length - 1, place + 8)),
      PageUp: () => setAt(Math.max(0, place - 8)),
      Tab: event.shiftKey
        ? undefined
        : () => current?.taskId !== undefined && narrow(current.taskId),
      Backspace: chosen !== null && typed === '' ? () => narrow(null) : undefined,
      Enter:
        event.ctrlKey || event.metaKey
          ? () => run(all.find((one) => one.id === 'search'))
          : () => run(current),
    }[event.key]
    if (act === undefined) return
    event.preventDefault()
    act()
  }
  return (
    <Dialog open onClose={onClose} title="Command palette" className="palette" first={field}>
      <div className="palette-top">
        <Search className="i" aria-hidden="true" />
        <input
          ref={field}
          role="combobox"
          aria-label="Search tasks and commands"
          aria-expanded="true"
          aria-controls={id}
          aria-activedescendant={current === undefined ? undefined : `${id}-${place}`}
          placeholder={chosen === null ? 'A task, a place or a command' : 'What to do with it'}
          autoComplete="off"
          spellCheck={false}
          value={typed}
          onChange={(event) => type(event.target.value)}
          onKeyDown={press}
        />
        <kbd className="hint">Esc</kbd>
      </div>
      <div
        id={id}
        ref={list}
        className="palette-list"
        role="listbox"
        aria-label="Tasks and commands"
      >
        {groups.map((group) => (
          <Lines
            key={group.title}
            group={group}
            from={all.indexOf(group.commands[0] as Command)}
            place={place}
            id={id}
            onAt={setAt}
            onRun={run}
          />
        ))}
      </div>
      {all.length === 0 && (
        <p className="palette-none dim">{isBehind ? '' : 'Nothing is called so.'}</p>
      )}
      <p className="palette-foot" aria-hidden="true">
        <span>
          <kbd>↑</kbd> <kbd>↓</kbd> move
        </span>
        <span>
          <kbd>Enter</kbd> run
        </span>
        {chosen === null ? (
          <span>
            <kbd>Tab</kbd> actions of the task
          </span>
        ) : (
          <span>
            <kbd>⌫</kbd> all again
          </span>
        )}
      </p>
    </Dialog>
  )
}

function Lines(props: {
  group: Group
  from: number
  place: number
  id: string
  onAt: (place: number) => void
  onRun: (command: Command) => void
}) {
  const { group, from, place, id, onAt, onRun } = props
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of options, not of form controls
    <div role="group" aria-label={group.title}>
      <div className="palette-title cut" aria-hidden="true">
        {group.title}
      </div>
      {group.commands.map((command, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
        // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus, and names this
        <div
          key={command.id}
          id={`${id}-${from + index}`}
          role="option"
          className="palette-item"
          aria-selected={from + index === place}
          onPointerMove={() => onAt(from + index)}
          onClick={() => onRun(command)}
        >
          {command.icon}
          <span className="grow cut">{command.label}</span>
          {command.told !== undefined && <span className="dim">{command.told}</span>}
          {command.keys?.map((one) => (
            <kbd key={one} className="hint" aria-hidden="true">
              {one}
            </kbd>
          ))}
        </div>
      ))}
    </div>
  )
}

function useGroups(asked: {
  typed: string
  subjects: readonly string[]
  isNarrowed: boolean
  open: { keys: () => void; board: () => void }
}): { groups: Group[]; isBehind: boolean } {
  const { typed, subjects, isNarrowed, open } = asked
  const text = typed.trim()
  const openTask = useOpenTask()
  const onTasks = useTaskCommands(useTasks(subjects), useVerbs(subjects))
  const found = useFoundTasks(typed)
  const places = usePlaceCommands()
  const others = useBoardCommands(open)
  const withText = useTextCommands(typed)
  const pick = (all: readonly Command[]) => ranked(text, all, wordsOf)

  const groups: Group[] = []
  if (onTasks !== null) {
    // A word that names none of its actions, as one that is looked for, leaves the first of them.
    const matching = pick(onTasks.commands)
    const few = isNarrowed || text !== '' ? matching : matching.slice(0, FIRST_ACTIONS)
    groups.push({ title: onTasks.title, commands: few })
  }
  if (!isNarrowed) {
    groups.push({
      title: text === '' ? 'Opened lately' : 'Tasks',
      commands: found.cards.map((card) => ({
        id: card.id,
        label: card.title,
        icon: <StatusIcon status={statusOf(card)} />,
        told: card.id,
        taskId: card.id,
        run: () => openTask(card.id),
      })),
    })
    groups.push({ title: 'Places', commands: pick(places) })
    groups.push({
      title: 'Board',
      commands: [
        ...pick(text === '' ? others : others.filter((one) => one.id !== 'new')),
        ...withText,
      ],
    })
  }
  return { groups: groups.filter((one) => one.commands.length > 0), isBehind: found.isBehind }
}

/** The verbs that are legal for a single task; undefined for several. */
function useVerbs(subjects: readonly string[]): readonly string[] | undefined {
  const [only, second] = subjects
  const moves = useMoves(second === undefined ? (only ?? null) : null)
  return only === undefined || second !== undefined ? undefined : (moves.data?.verbs ?? [])
}
