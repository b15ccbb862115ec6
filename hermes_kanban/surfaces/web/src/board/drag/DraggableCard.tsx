import { memo } from 'react'
import type { Card as CardData } from '@/api/types'
import { Card } from '../Card'
import { useDrag } from './drag'

/** A card that may be taken; while it is, its place stays as an outline of the same height. */
export const DraggableCard = memo(function DraggableCard(props: {
  card: CardData
  gone: string | undefined
}) {
  const { card, gone } = props
  const lifted = useDrag((drag) =>
    drag?.cards.some((one) => one.id === card.id) === true ? drag.by : null,
  )
  return (
    <div className={lifted === null ? undefined : `lifted-${lifted}`}>
      <Card card={card} gone={gone} />
    </div>
  )
})
