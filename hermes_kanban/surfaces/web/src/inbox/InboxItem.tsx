import { Inbox, TriangleAlert, UserRound } from 'lucide-react'
import { Link } from 'wouter'
import type { AttentionItem } from '@/api/types'
import { useBoard } from '@/app/board'
import { taskPlace } from '@/app/places'
import { shown } from '@/keys/table'
import { Age } from '@/kit/Age'
import { Button } from '@/kit/Button'
import { Markdown } from '@/kit/Markdown'
import { isForBrowser } from '@/kit/pressed'
import { StatusIcon } from '@/kit/StatusIcon'
import { withoutChoices } from '@/kit/sentences'
import { useOffline } from '@/live/connection'
import type { Answer } from './answering'
import { KIND_WORDS, type Kind, kindOf, sentenceOn } from './items'

interface Props {
  item: AttentionItem
  answers: Answer[]
  isSelected: boolean
  /** An answer is given by a press. */
  onAnswer: () => void
  onSelect: () => void
  onOpen: () => void
}

/** One thing that a person is asked: the sentence, who asks, what an answer does, and the answers. */
export function InboxItem(props: Props) {
  const { item, answers, isSelected, onAnswer, onSelect, onOpen } = props
  const { slug } = useBoard()
  const offline = useOffline()
  const kind = kindOf(item)
  const { id, title } = item.card
  const titleId = `inbox-${id}-${item.kind}-${item.run_id}`
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click only selects; the keys do so themselves
    <li
      className={`inbox-item ${STATUS_OF[kind]} ${isSelected ? 'is-selected' : ''}`}
      tabIndex={isSelected ? 0 : -1}
      aria-current={isSelected ? 'true' : undefined}
      aria-labelledby={titleId}
      // A press selects when it is over: the hints that come then must not move what is pressed.
      onFocus={(event) => event.target.matches(':focus-visible') && onSelect()}
      onClick={onSelect}
    >
      <Mark kind={kind} />
      <div className="inbox-head" id={titleId}>
        <b>{KIND_WORDS[kind]}</b>
        <Link
          className="cut"
          href={`~${taskPlace(slug, id)}`}
          tabIndex={isSelected ? 0 : -1}
          onClick={(event) => {
            if (isForBrowser(event)) return
            event.preventDefault()
            onOpen()
          }}
        >
          {id} {title}
        </Link>
        <Age at={item.since} />
      </div>
      <div className="inbox-text">
        <Markdown
          text={withoutChoices(item.text, item.choices) || 'It says nothing.'}
          board={slug}
        />
      </div>
      <p className="inbox-from">{sentenceOn(item)}</p>
      <div className="inbox-answers">
        {answers.map((answer, at) => (
          <Button
            key={answer.label}
            look={answer.isQuiet ? 'quiet' : isSelected && at === 0 ? 'primary' : 'plain'}
            hint={isSelected ? hintOf(answer, at) : undefined}
            tabIndex={isSelected ? 0 : -1}
            disabled={offline !== null && answer.changes}
            title={offline !== null && answer.changes ? offline : answer.told}
            onClick={() => {
              onAnswer()
              answer.act()
            }}
          >
            <span className="cut">{answer.label}</span>
          </Button>
        ))}
      </div>
    </li>
  )
}

function hintOf(answer: Answer, at: number): string {
  return answer.isReply ? shown('reply') : String(at + 1)
}

const STATUS_OF: Record<Kind, string> = {
  question: 'blocked',
  access: 'blocked',
  review: 'review',
  late_result: 'running',
  gave_up: 'blocked',
}

function Mark({ kind }: { kind: Kind }) {
  const same = { className: 'i st', 'aria-hidden': true } as const
  switch (kind) {
    case 'question':
      return <StatusIcon status="blocked" size={16} />
    case 'review':
      return <StatusIcon status="review" size={16} />
    case 'late_result':
      return <Inbox {...same} />
    case 'access':
      return <UserRound {...same} />
    case 'gave_up':
      return <TriangleAlert {...same} />
  }
}
