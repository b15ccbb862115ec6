import { Maximize, Minus, Plus } from 'lucide-react'
import { shown } from '@/keys/table'
import { IconButton } from '@/kit/Button'

/** Nearer, farther, and all of it. */
export function ZoomButtons(props: { onIn: () => void; onOut: () => void; onFit: () => void }) {
  return (
    <div className="graph-zoom">
      <IconButton name="Nearer" hint={shown('zoomIn')} look="plain" onClick={props.onIn}>
        <Plus className="i" aria-hidden="true" />
      </IconButton>
      <IconButton name="Farther" hint={shown('zoomOut')} look="plain" onClick={props.onOut}>
        <Minus className="i" aria-hidden="true" />
      </IconButton>
      <IconButton name="Show all of it" hint={shown('zoomFit')} look="plain" onClick={props.onFit}>
        <Maximize className="i" aria-hidden="true" />
      </IconButton>
    </div>
  )
}
