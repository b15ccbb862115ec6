import type { Card } from '@/api/types'
import { count } from '@/kit/numbers'
import { useView } from './context'
import { focusCard } from './focus'

/** Cards that came while the column stood still; a press lets them in. */
export function Held(props: { held: readonly Card[]; column: string; onShow: () => void }) {
  const { held, column, onShow } = props
  const { grid } = useView()
  const [first] = held
  if (first === undefined) return null
  return (
    <button
      type="button"
      className="held"
      onClick={(event) => {
        onShow()
        // Pressed by key: the button goes, and the focus with it.
        if (event.detail === 0) requestAnimationFrame(() => focusCard(grid, first.id, column))
      }}
    >
      {count(held.length)} new
    </button>
  )
}
