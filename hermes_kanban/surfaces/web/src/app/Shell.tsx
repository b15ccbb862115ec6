import { lazy, type ReactNode, useEffect, useState } from 'react'
import { useRoute } from 'wouter'
import { KeysSheet } from '@/keys/KeysSheet'
import { useKeys } from '@/keys/useKeys'
import { Announcements } from '@/kit/announce'
import { useOffline } from '@/live/connection'
import { noteOpened } from '@/palette/recent'
import { useArrivals } from './arrivals'
import { useAtPart } from './atPart'
import { useBoard } from './board'
import { useHostNews } from './hostNews'
import { Loaded } from './Loaded'
import { NewBoard } from './NewBoard'
import { useNewTask } from './newTask'
import { placeOf, useGo, useOpenedTask, type View } from './places'
import { Rail } from './Rail'
import { offeredSubjects } from './subjects'
import { TopBar } from './TopBar'
import { VIEW_ENTRIES } from './views'
import './shell.css'

const Palette = lazy(() => import('@/palette/Palette'))

const PATIENCE_MILLISECONDS = 1_000

type Over = 'keys' | 'board' | { palette: readonly string[] } | null

/** The rail, the top bar, what is said of the connection, and the keys that act anywhere. */
export function Shell({ children }: { children: ReactNode }) {
  const [over, setOver] = useState<Over>(null)
  const { slug, actor } = useBoard()
  const go = useGo()
  const newTask = useNewTask()
  const opened = useShownTask()
  const close = () => setOver(null)
  const openPalette = () => setOver({ palette: opened === null ? offeredSubjects() : [opened] })
  const to = (view: View) => () => go(`~${placeOf(slug, view)}`)
  useArrivals(slug, actor)
  useHostNews(slug, actor)
  useAtPart()
  useEffect(() => {
    if (opened !== null) noteOpened(slug, opened)
  }, [slug, opened])
  useKeys('anywhere', {
    allKeys: () => setOver('keys'),
    search: () => document.getElementById('search')?.focus(),
    ...Object.fromEntries(VIEW_ENTRIES.map(({ view, key }) => [key, to(view)])),
    newTask: () => newTask(),
    palette: openPalette,
  })
  return (
    <div className="app">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <Rail onKeys={() => setOver('keys')} onPalette={openPalette} />
      <TopBar onNewBoard={() => setOver('board')} />
      <main className="main" id="main" tabIndex={-1}>
        <Offline />
        {children}
      </main>
      <Announcements />
      <KeysSheet open={over === 'keys'} onClose={close} />
      {over === 'board' && <NewBoard onClose={close} />}
      {over !== null && typeof over === 'object' && (
        <Loaded of="palette">
          <Palette
            subjects={over.palette}
            onClose={close}
            onKeys={() => setOver('keys')}
            onNewBoard={() => setOver('board')}
          />
        </Loaded>
      )}
    </div>
  )
}

/** The task that is open, in the drawer or on its own page. */
function useShownTask(): string | null {
  const inDrawer = useOpenedTask()
  const [isPage, params] = useRoute('/t/:id')
  return inDrawer ?? (isPage ? params.id : null)
}

/** A dead socket is said, not hidden; one that is back within a moment moves nothing. */
function Offline() {
  const offline = useOffline()
  const [late, setLate] = useState(false)
  const isOffline = offline !== null
  useEffect(() => {
    if (!isOffline) return
    const timer = setTimeout(() => setLate(true), PATIENCE_MILLISECONDS)
    return () => {
      clearTimeout(timer)
      setLate(false)
    }
  }, [isOffline])
  if (offline === null || !late) return null
  return (
    <p className="offline" role="status">
      {offline} Showing the board as it was.
    </p>
  )
}
