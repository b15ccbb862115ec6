import { Trash2 } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import { useBoard } from '@/app/board'
import { logOut } from '@/app/leaving'
import { placeOf } from '@/app/places'
import { type Preferences, prefer, usePreferences } from '@/app/preferences'
import { SKINS } from '@/app/skins'
import { plainName } from '@/kit/Avatar'
import { Button, IconButton } from '@/kit/Button'
import { Facts, Part } from '@/kit/Facts'
import { Segments } from '@/kit/Segments'
import { toastProblem } from '@/kit/toasts'

const THEMES = [
  { value: 'system', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
] as const
const DENSITIES = [
  { value: 'regular', label: 'Regular' },
  { value: 'compact', label: 'Compact' },
] as const

/** What a person chose for this browser. */
export function Browser() {
  const chosen = usePreferences()
  const { slug, actor } = useBoard()
  const views = chosen.views[slug] ?? []
  return (
    <Part title="This browser">
      <Facts
        rows={[
          {
            name: 'Theme',
            value: (
              <Segments
                label="Theme"
                value={chosen.theme}
                options={THEMES}
                onChange={(theme) => prefer({ theme })}
              />
            ),
          },
          {
            name: 'Colours',
            value: (
              <Segments
                label="Colours"
                value={chosen.skin}
                options={SKINS}
                onChange={(skin) => prefer({ skin })}
              />
            ),
          },
          {
            name: 'Density',
            value: (
              <Segments
                label="Density"
                value={chosen.density}
                options={DENSITIES}
                onChange={(density) => prefer({ density })}
              />
            ),
            note: 'Compact folds each card to its title and one line.',
          },
          {
            name: 'Keys',
            value: <Choice of="singleKeys" label="Single keys act" />,
            note: 'Without them J, C or G B do nothing; chords such as Ctrl K and Esc still act.',
          },
          { name: 'Cards', value: <Choice of="showCost" label="Show the cost" /> },
          {
            name: 'Saved views',
            value:
              views.length === 0 ? (
                <span className="dim">None of this board. The board saves its filter as one.</span>
              ) : (
                <ul className="views">
                  {views.map((view) => (
                    <li key={view.name}>
                      <Link href={`~${placeOf(slug)}?${view.search.replace(/^\?/, '')}`}>
                        {view.name}
                      </Link>
                      <IconButton
                        name={`Remove view ${view.name}`}
                        small
                        onClick={() =>
                          prefer({
                            views: {
                              ...chosen.views,
                              [slug]: views.filter((one) => one !== view),
                            },
                          })
                        }
                      >
                        <Trash2 className="i" />
                      </IconButton>
                    </li>
                  ))}
                </ul>
              ),
          },
          {
            name: 'Logged in as',
            value: (
              <>
                {plainName(actor)}
                <LogOut />
              </>
            ),
          },
        ]}
      />
    </Part>
  )
}

function Choice({ of, label }: { of: 'singleKeys' | 'showCost'; label: string }) {
  const chosen = usePreferences()
  return (
    <label className="choice">
      <input
        type="checkbox"
        checked={chosen[of]}
        onChange={(event) => prefer({ [of]: event.target.checked } as Partial<Preferences>)}
      />
      {label}
    </label>
  )
}

function LogOut() {
  const [leaving, setLeaving] = useState(false)
  const leave = () => {
    setLeaving(true)
    logOut()
      .catch((error: unknown) => toastProblem(error, 'Not logged out.'))
      .finally(() => setLeaving(false))
  }
  return (
    <Button disabled={leaving} onClick={leave}>
      Log out
    </Button>
  )
}
