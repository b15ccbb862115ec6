import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { json, onSessionLost } from '@/api/client'
import { sentenceOf } from '@/api/problem'
import { keepToken, takeCode, token } from '@/api/session'
import type { BoardList } from '@/api/types'
import { Button } from '@/kit/Button'
import { Empty } from '@/kit/Empty'
import { keys } from '@/live/keys'
import { live } from '@/live/socket'
import { BoardPage } from './BoardPage'
import { placeOf } from './places'
import { preferences } from './preferences'
import { SignIn } from './SignIn'

interface LoggedIn {
  token: string
}

// Taken once, before anything renders: the code counts once, and must not stay in the address.
const code = takeCode()
let login: Promise<LoggedIn> | null = null

/** The page: a login where nobody is logged in, else the board of the address. */
export function App() {
  const client = useQueryClient()
  const [mine, setMine] = useState(token)
  const [refused, setRefused] = useState<string | null>(null)
  const [pending, setPending] = useState(code !== null)

  useEffect(() => {
    if (code === null) return
    login ??= json<LoggedIn>('/session', 'POST', { code })
    login
      .then((made) => {
        keepToken(made.token)
        setMine(made.token)
      })
      // A link that was used before does no harm where its session lasts.
      .catch((error: unknown) => token() === null && setRefused(sentenceOf(error)))
      .finally(() => setPending(false))
  }, [])

  useEffect(
    () =>
      onSessionLost((why) => {
        live.stop()
        client.clear()
        setMine(null)
        setRefused(why)
      }),
    [client],
  )

  useEffect(() => {
    if (mine === null) return
    live.start()
    return () => live.stop()
  }, [mine])

  if (pending) return null
  if (mine === null) return <SignIn refused={refused} />
  return <Boards />
}

function Boards() {
  const boards = useQuery({
    queryKey: keys.boards,
    queryFn: () => json<BoardList>('/boards'),
  })
  const session = useQuery({
    queryKey: keys.session,
    queryFn: () => json<{ actor: string }>('/session'),
  })
  const failed = boards.error ?? session.error
  if (failed !== null) {
    return (
      <Empty title="The board does not answer">
        <p>{sentenceOf(failed)}</p>
        <p>
          <Button onClick={() => void boards.refetch().then(() => session.refetch())}>
            Try again
          </Button>
        </p>
      </Empty>
    )
  }
  if (boards.data === undefined || session.data === undefined) return null
  const all = boards.data.boards
  const start = all.find((one) => one.slug === preferences().lastBoard) ?? all[0]
  if (start === undefined) {
    return <Empty title="No board yet" command="hermes-kanban init" />
  }
  return (
    <Switch>
      <Route path="/b/:board" nest>
        {({ board }) => {
          const listed = all.find((one) => one.slug === board)
          if (listed?.board == null) {
            return (
              <Empty title={`No board ${board}`}>
                <p>{listed?.error ?? `There is: ${all.map((one) => one.slug).join(', ')}.`}</p>
                <p>
                  <a className="btn" href={placeOf(start.slug)}>
                    Open {start.slug}
                  </a>
                </p>
              </Empty>
            )
          }
          return (
            <BoardPage
              key={board}
              listed={listed}
              view={listed.board}
              boards={all}
              actor={session.data.actor}
            />
          )
        }}
      </Route>
      <Route>
        <Redirect to={placeOf(start.slug) + location.search} replace />
      </Route>
    </Switch>
  )
}
