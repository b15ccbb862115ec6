import type { ReactNode } from 'react'
import { useState } from 'react'
import { useSearchParams } from 'wouter'
import { KeysSheet } from '@/keys/KeysSheet'
import { useKeys } from '@/keys/useKeys'
import { clockTime } from '@/kit/time'
import { useConnection } from '@/live/connection'
import { useBoard } from './board'
import { placeOf, useGo, type View } from './places'
import { Rail } from './Rail'
import { TopBar } from './TopBar'
import './shell.css'

/** The rail, the top bar, what is said of the connection, and the keys that act anywhere. */
export function Shell({ children }: { children: ReactNode }) {
  const [showsKeys, setShowsKeys] = useState(false)
  const { slug } = useBoard()
  const go = useGo()
  const [, setSearch] = useSearchParams()
  const to = (view: View) => () => go(`~${placeOf(slug, view)}`)
  useKeys('anywhere', {
    allKeys: () => setShowsKeys(true),
    search: () => document.getElementById('search')?.focus(),
    goBoard: to('board'),
    goInbox: to('inbox'),
    goGraph: to('graph'),
    goTimeline: to('timeline'),
    goMetrics: to('metrics'),
    goHealth: to('health'),
    goProfiles: to('profiles'),
    goSettings: to('settings'),
    goPast: to('past'),
    newTask: () => setSearch((before) => withParam(before, 'new', 'task')),
    palette: () => setSearch((before) => withParam(before, 'palette', '1')),
  })
  return (
    <div className="app">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Rail onKeys={() => setShowsKeys(true)} />
      <TopBar />
      <main className="main" id="main" tabIndex={-1}>
        <Offline />
        {children}
      </main>
      <KeysSheet open={showsKeys} onClose={() => setShowsKeys(false)} />
    </div>
  )
}

function withParam(before: URLSearchParams, name: string, value: string): URLSearchParams {
  const next = new URLSearchParams(before)
  next.set(name, value)
  return next
}

/** A dead socket is said, not hidden. */
function Offline() {
  const { open, tried, since } = useConnection()
  if (open || !tried) return null
  return (
    <p className="offline" role="status">
      Not connected since {clockTime(since / 1_000)}. Showing the board as it was.
    </p>
  )
}
