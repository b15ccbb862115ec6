import { Dialog } from '@/kit/Dialog'
import { inWords, KEYS, type KeyBinding, type Scope } from './table'
import './keys.css'

const TITLES: Record<Scope, string> = {
  anywhere: 'Anywhere',
  board: 'On the board',
  task: 'On a task',
  inbox: 'In the inbox',
  graph: 'On the graph',
  timeline: 'On the timeline',
  past: 'In the past',
}

/** All keys, from the table that the handlers are made of. */
export function KeysSheet({ open, onClose }: { open: boolean; onClose: () => void }) {
  const all: KeyBinding[] = Object.values(KEYS)
  return (
    <Dialog open={open} onClose={onClose} title="Keys" className="keys-sheet">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it */}
      <section className="keys-all" tabIndex={0} aria-label="All keys">
        {(Object.keys(TITLES) as Scope[]).map((scope) => (
          <div key={scope} className="keys-part">
            <h2>{TITLES[scope]}</h2>
            <dl>
              {all
                .filter((one) => one.scopes.includes(scope))
                .map((one) => (
                  <div key={one.words}>
                    <dt>{one.words}</dt>
                    <dd>
                      <Pressed keys={one.keys} />
                    </dd>
                  </div>
                ))}
            </dl>
          </div>
        ))}
      </section>
    </Dialog>
  )
}

function Pressed({ keys }: { keys: readonly string[] }) {
  if (keys.length > 2) return <kbd>{`${keys[0]}–${keys.at(-1)}`}</kbd>
  return keys.map((one) => <kbd key={one}>{inWords(one)}</kbd>)
}
