import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { json, onSessionLost } from '@/api/client'
import { sentenceOf } from '@/api/problem'
import { keepToken, takeCode, token } from '@/api/session'
import type { BoardList, ListedBoard } from '@/api/types'
import { Button } from '@/kit/Button'
import { Empty } from '@/kit/Empty'
import { sentence } from '@/kit/sentences'
import { keys } from '@/live/keys'
import { live } from '@/live/socket'
import { BoardPage } from './BoardPage'
import { placeOf } from './places'
import { preferences } from './preferences'
import { SignIn } from './SignIn'

// While something that should be shown cannot be.
const AGAIN_MILLISECONDS = 3_000

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

  // A link is opened in a tab of its own: this one goes on where it was.
  useEffect(() => {
    if (mine !== null) return
    const onStored = () => setMine(token())
    addEventListener('storage', onStored)
    return () => removeEventListener('storage', onStored)
  }, [mine])

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
    refetchInterval: ({ state }) => (state.data?.boards.length ? false : AGAIN_MILLISECONDS),
  })
  const session = useQuery({
    queryKey: keys.session,
    queryFn: () => json<{ actor: string }>('/session'),
    refetchInterval: ({ state }) => (state.data === undefined ? AGAIN_MILLISECONDS : false),
  })
  if (boards.data === undefined || session.data === undefined) {
    const failed = boards.error ?? session.error
    if (failed === null) return null
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
  const all = boards.data.boards
  const start = all.find((one) => one.slug === preferences().lastBoard) ?? all[0]
  if (start === undefined) {
    return (
      <Empty title="No board is open here" command="hermes-kanban init">
        <p>
          A gateway that has just started, or whose database is away, opens its boards as soon as it
          can. Where there is none yet, this makes one.
        </p>
      </Empty>
    )
  }
  return (
    <Switch>
      <Route path="/b/:board" nest>
        {({ board }) => (
          <OneBoard key={board} slug={board} boards={all} actor={session.data.actor} />
        )}
      </Route>
      <Route>
        <Redirect to={placeOf(start.slug) + location.search} replace />
      </Route>
    </Switch>
  )
}

/**
 * One board; where it cannot be opened, why. A board that was shown stays as it was when it is not
 * among the others any more, or not now, with whatever is being written there.
 */
function OneBoard(props: { slug: string; boards: ListedBoard[]; actor: string }) {
  const { slug, boards, actor } = props
  const found = boards.find((one) => one.slug === slug)
  const [shown, setShown] = useState(found)
  if (found?.board != null && found !== shown) setShown(found)
  const listed = found?.board == null ? shown : found
  if (listed?.board != null) {
    return <BoardPage listed={listed} view={listed.board} boards={boards} actor={actor} />
  }
  return <NotOpen slug={slug} boards={boards} error={found && (found.error ?? '')} />
}

/** A board that cannot be shown: looked for again and again, until it can. */
function NotOpen(props: { slug: string; boards: ListedBoard[]; error: string | undefined }) {
  const { slug, boards, error } = props
  const client = useQueryClient()
  useEffect(() => {
    const again = () => void client.invalidateQueries({ queryKey: keys.boards })
    const timer = setInterval(again, AGAIN_MILLISECONDS)
    return () => clearInterval(timer)
  }, [client])
  const other = boards.find((one) => one.board !== null)
  return (
    <Empty title={error === undefined ? `No board ${slug}` : `${slug} cannot be opened now`}>
      <p>
        {error === undefined
          ? `There is: ${boards.map((one) => one.slug).join(', ')}.`
          : `${sentence(error)} It is shown here as soon as it can be.`}
      </p>
      {other !== undefined && (
        <p>
          <a className="btn" href={placeOf(other.slug)}>
            Open {other.slug}
          </a>
        </p>
      )}
    </Empty>
  )
}
