import { Check } from 'lucide-react'
import { useId, useRef, useState } from 'react'
import { Dialog } from '@/kit/Dialog'
import { isMedia, NARROW } from '@/kit/useMedia'
import type { PickOption, PickQuestion } from './asking'
import { nextPlace, optionsFor } from './picking'

/** One of a list, by typing, arrows or a press; on a narrow screen a sheet at the foot. */
export function Picker(props: {
  question: PickQuestion
  onAnswer: (value: string | null) => void
}) {
  const { question, onAnswer } = props
  const [typed, setTyped] = useState('')
  const options = optionsFor(question, typed)
  const [at, setAt] = useState(() => firstPlace(options, ''))
  const field = useRef<HTMLInputElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const id = useId()
  const type = (text: string) => {
    setTyped(text)
    setAt(firstPlace(optionsFor(question, text), text))
  }
  const goTo = (place: number) => {
    if (place < 0) return
    setAt(place)
    list.current?.children[place]?.scrollIntoView({ block: 'nearest' })
  }
  const choose = (option: PickOption | undefined) => {
    if (option !== undefined && !option.whyNot) onAnswer(option.value)
  }
  const press = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    const act = {
      ArrowDown: () => goTo(nextPlace(options, at, 1)),
      ArrowUp: () => goTo(nextPlace(options, at, -1)),
      Home: () => goTo(nextPlace(options, -1, 1)),
      End: () => goTo(nextPlace(options, 0, -1)),
      Enter: () => choose(options[at]),
    }[event.key]
    if (act === undefined) return
    event.preventDefault()
    act()
  }
  return (
    <Dialog
      open
      onClose={() => onAnswer(null)}
      title={question.title}
      className="pick"
      // On a narrow screen the keyboard of a field with the focus would cover the list.
      first={isMedia(NARROW) ? list : field}
    >
      <input
        ref={field}
        className="pick-field"
        role="combobox"
        aria-label={question.title}
        aria-expanded="true"
        aria-controls={id}
        aria-activedescendant={options[at] === undefined ? undefined : `${id}-${at}`}
        placeholder={question.placeholder}
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => type(event.target.value)}
        onKeyDown={press}
      />
      <div
        id={id}
        ref={list}
        className="pick-list"
        role="listbox"
        tabIndex={-1}
        aria-label={question.title}
      >
        {options.map((option, place) => (
          <Option
            key={option.value}
            id={`${id}-${place}`}
            option={option}
            isAt={place === at}
            onAt={() => !option.whyNot && setAt(place)}
            onChoose={() => choose(option)}
          />
        ))}
      </div>
      {options.length === 0 && <p className="pick-none dim">Nothing is called so.</p>}
    </Dialog>
  )
}

/** What Enter would take first: what is so already while nothing is typed, else the best match. */
function firstPlace(options: readonly PickOption[], typed: string): number {
  const checked = typed === '' ? options.findIndex((one) => one.checked) : -1
  return checked >= 0 ? checked : nextPlace(options, -1, 1)
}

function Option(props: {
  id: string
  option: PickOption
  isAt: boolean
  onAt: () => void
  onChoose: () => void
}) {
  const { id, option, isAt, onAt, onChoose } = props
  const why = option.whyNot
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
    // biome-ignore lint/a11y/useFocusableInteractive: the field keeps the focus, and names this
    <div
      id={id}
      role="option"
      className="pop-item pick-item"
      aria-selected={isAt}
      aria-disabled={why ? true : undefined}
      data-highlighted={isAt ? '' : undefined}
      data-disabled={why ? '' : undefined}
      onPointerMove={onAt}
      onClick={onChoose}
    >
      <span className="pick-icon">{option.icon}</span>
      <span className="grow">
        <span className="pick-label">{option.label}</span>
        {(why ?? option.told) && <span className="pick-told">{why ?? option.told}</span>}
      </span>
      {option.checked && <Check className="i" aria-label="now" />}
    </div>
  )
}
