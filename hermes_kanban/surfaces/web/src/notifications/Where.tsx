import { DestinationIcon } from './DestinationIcon'
import { destinationWords } from './words'

/** Where messages go: the platform's icon, its name, and which place of it. */
export function Where({ destination }: { destination: string }) {
  const { kind, which } = destinationWords(destination)
  return (
    <span className="notify-where">
      <DestinationIcon destination={destination} />
      <span>
        {kind} {which !== '' && <b>{which}</b>}
      </span>
    </span>
  )
}
