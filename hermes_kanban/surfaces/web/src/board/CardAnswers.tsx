import { askPick } from '@/actions/asking'
import { useActions, useMenus } from '@/actions/useActions'
import type { Card } from '@/api/types'
import { Button } from '@/kit/Button'
import { useOffline } from '@/live/connection'
import { useView } from './context'
import { keepPlace } from './selection'

const MOST_CHOICES = 2

/** What a card asks, answered in place: at most two buttons, and a quiet one. */
export function CardAnswers({ card, stop }: { card: Card; stop: number }) {
  const { open } = useView()
  const actions = useActions()
  const offline = useOffline()
  const same = {
    small: true,
    tabIndex: stop,
    ...(offline === null ? {} : { disabled: true, title: offline }),
  }
  if (card.status === 'review') {
    return (
      <div className="card-answers" onClickCapture={() => keepPlace(card.id)}>
        <Button {...same} onClick={() => void actions.approve([card])}>
          Approve
        </Button>
        <Button {...same} look="quiet" onClick={() => void actions.requestChanges([card])}>
          Changes…
        </Button>
      </div>
    )
  }
  if (card.status !== 'blocked') return null
  if (card.state === 'error') {
    return (
      <div className="card-answers" onClickCapture={() => keepPlace(card.id)}>
        <Button {...same} onClick={() => void actions.unblock([card])}>
          Retry
        </Button>
        <Button small tabIndex={stop} look="quiet" onClick={() => open(card.id, 'log')}>
          Open log
        </Button>
      </div>
    )
  }
  if (card.state !== 'needs_you') return null
  return <Choices card={card} same={same} />
}

/** The answers that a question lists; what does not fit on a card is asked for. */
function Choices({ card, same }: { card: Card; same: Record<string, unknown> }) {
  const actions = useActions()
  const menus = useMenus()
  const choices = card.choices
  return (
    <div className="card-answers" onClickCapture={() => keepPlace(card.id)}>
      {choices.slice(0, MOST_CHOICES).map((choice) => (
        <Button key={choice} {...same} onClick={() => void actions.unblock([card], choice)}>
          <span className="cut">{choice}</span>
        </Button>
      ))}
      <Button {...same} look="quiet" onClick={() => void reply()}>
        {choices.length > MOST_CHOICES ? 'More…' : 'Reply…'}
      </Button>
    </div>
  )

  /** By one of the other answers, or in words. */
  async function reply(): Promise<void> {
    if (choices.length <= MOST_CHOICES) {
      await menus.unblock([card])
      return
    }
    const chosen = await askPick({
      title: `Answer ${card.id}`,
      placeholder: 'An answer…',
      options: choices.map((one) => ({ value: one, label: one })),
      other: (typed) => ({ value: typed, label: `Answer “${typed}”` }),
    })
    if (chosen !== null) await actions.unblock([card], chosen)
  }
}
