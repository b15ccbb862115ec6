import { MessageSquarePlus } from 'lucide-react'
import { useRef, useState } from 'react'
import { useActions } from '@/actions/useActions'
import { shown } from '@/keys/table'
import { Button } from '@/kit/Button'
import { useTask } from '../context'
import { useWriting } from '../useWriting'
import { type DiffFile, type DiffLine, lineComment } from './parse'

const PAGE = 500

/** The hunks of one file; a line is chosen to say something of it. */
export function FileDiff({ file }: { file: DiffFile }) {
  const [chosen, setChosen] = useState<string | null>(null)
  const [shownLines, setShownLines] = useState(PAGE)
  let left = shownLines
  const all = file.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0)
  return (
    <div className="diff-hunks">
      {file.hunks.map((hunk, place) => {
        const lines = hunk.lines.slice(0, Math.max(0, left))
        left -= hunk.lines.length
        if (lines.length === 0) return null
        return (
          <div key={place} className="diff-hunk">
            {(place > 0 || hunk.heading !== '') && (
              <p className="diff-heading">{hunk.heading || ' '}</p>
            )}
            {lines.map((line, index) => {
              const key = `${place}:${index}`
              return (
                <Line
                  key={key}
                  line={line}
                  path={file.path}
                  isChosen={chosen === key}
                  onChoose={() => setChosen(chosen === key ? null : key)}
                  onDone={() => setChosen(null)}
                />
              )
            })}
          </div>
        )
      })}
      {all > shownLines && (
        <p className="diff-cut">
          <Button small onClick={() => setShownLines(shownLines + PAGE)}>
            Show {Math.min(PAGE, all - shownLines)} more lines
          </Button>
        </p>
      )}
    </div>
  )
}

const SIGNS = { added: '+', removed: '−', same: ' ', note: ' ' } as const

function Line(props: {
  line: DiffLine
  path: string
  isChosen: boolean
  onChoose: () => void
  onDone: () => void
}) {
  const { line, path } = props
  const { may } = useTask()
  const say = useRef<HTMLButtonElement>(null)
  const number = line.new ?? line.old
  const onDone = () => {
    props.onDone()
    say.current?.focus()
  }
  return (
    <>
      <div className={`diff-line diff-${line.kind}`}>
        <span className="diff-number">{line.old ?? ''}</span>
        <span className="diff-number">{line.new ?? ''}</span>
        <span className="diff-sign">{SIGNS[line.kind]}</span>
        <code>{line.text === '' ? '\n' : line.text}</code>
        {line.kind !== 'note' && may('comment') && (
          <button
            type="button"
            ref={say}
            className="diff-say"
            aria-label={`Comment on ${path}, line ${number}`}
            aria-expanded={props.isChosen}
            onClick={props.onChoose}
          >
            <MessageSquarePlus className="i" aria-hidden="true" />
          </button>
        )}
      </div>
      {props.isChosen && <LineComposer line={line} path={path} onDone={onDone} />}
    </>
  )
}

function LineComposer(props: { line: DiffLine; path: string; onDone: () => void }) {
  const { line, path, onDone } = props
  const { detail } = useTask()
  const actions = useActions()
  const number = line.new ?? line.old
  const { text, setText, isReady, onSubmit, onKeyDown } = useWriting({
    name: `line/${path}:${number}`,
    send: (said, taken) =>
      actions.comment([detail.task], lineComment(path, line, said), () => {
        taken()
        onDone()
      }),
    leave: onDone,
  })
  return (
    <form className="diff-composer" onSubmit={onSubmit}>
      <textarea
        // biome-ignore lint/a11y/noAutofocus: it opens because it was asked for
        autoFocus
        className="field"
        aria-label={`Comment on ${path}, line ${number}`}
        placeholder={`To ${detail.task.assignee ?? 'whoever works on it'}, of ${path}:${number}`}
        rows={2}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <div className="task-buttons">
        <Button small look="primary" type="submit" disabled={!isReady} hint={shown('save')}>
          Comment on line {number}
        </Button>
        <Button small look="quiet" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </form>
  )
}
