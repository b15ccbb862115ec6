import type { Card } from '@/api/types'
import { Button } from '@/kit/Button'
import { clockTime } from '@/kit/time'
import { useAnswers } from './answers'
import { useView } from './context'

const MOST_CHOICES = 2

/** What a card asks, answered in place: at most two buttons, and a quiet one. */
export function CardAnswers({ card, stop }: { card: Card; stop: number }) {
  const { deafSince, open } = useView()
  const answers = useAnswers()
  const deaf =
    deafSince === null
      ? {}
      : { disabled: true, title: `Not connected since ${clockTime(deafSince)}.` }
  const same = { small: true, tabIndex: stop, ...deaf }
  if (card.status === 'review') {
    return (
      <div className="card-answers">
        <Button {...same} onClick={() => answers.approve(card.id)}>
          Approve
        </Button>
        <Button {...same} look="quiet" onClick={() => open(card.id)}>
          Changes…
        </Button>
      </div>
    )
  }
  if (card.status !== 'blocked') return null
  if (card.state === 'error') {
    return (
      <div className="card-answers">
        <Button {...same} onClick={() => answers.unblock(card.id)}>
          Retry
        </Button>
        <Button {...same} look="quiet" onClick={() => open(card.id)}>
          Open log
        </Button>
      </div>
    )
  }
  if (card.state !== 'needs_you') return null
  return (
    <div className="card-answers">
      {card.choices.slice(0, MOST_CHOICES).map((choice) => (
        <Button
          key={choice}
          {...same}
          className="choice"
          title={same.title ?? choice}
          onClick={() => answers.unblock(card.id, choice)}
        >
          <span className="cut">{choice}</span>
        </Button>
      ))}
      <Button {...same} look="quiet" onClick={() => open(card.id)}>
        {card.choices.length > MOST_CHOICES ? 'More…' : 'Reply…'}
      </Button>
    </div>
  )
}
