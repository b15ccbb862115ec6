import type { Health } from '@/api/types'
import { Avatar } from '@/kit/Avatar'
import { Part, Share } from '@/kit/Facts'
import { Read } from './Read'

type Cap = Health['caps'][number]

/** Every limit on what runs at once, with what is taken of it. */
export function Caps({ health }: { health: Health }) {
  return (
    <Part title="Caps" fresh={<Read at={health.now} />}>
      <ul className="boxed caps">
        {health.caps.map((cap) => (
          <li key={`${cap.of} ${cap.name}`}>
            {cap.of === 'profile' && cap.name !== null && <Avatar name={cap.name} />}
            <span className="grow cut">{nameOf(cap)}</span>
            <Share taken={cap.taken} of={cap.most} />
            <span className="figure">
              {cap.taken} of {cap.most}
            </span>
          </li>
        ))}
      </ul>
    </Part>
  )
}

function nameOf({ of, name }: Cap): string {
  switch (of) {
    case 'board':
      return 'The whole board'
    case 'profile':
      return name ?? ''
    case 'tenant':
      return `Tenant ${name}`
    case 'resource':
      return `Resource ${name}`
  }
}
