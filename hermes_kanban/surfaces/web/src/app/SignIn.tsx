import { Empty } from '@/kit/Empty'

/** How to come in, for a browser that is not logged in. */
export function SignIn({ refused }: { refused: string | null }) {
  return (
    <main>
      <Empty title="Open the board from a terminal" command="hermes-kanban board --open">
        <p>{refused ?? 'This browser is not logged in.'}</p>
        <p>
          This command opens a new link, which counts once and for two minutes. It is for the
          machine that serves this page: each has logins of its own.
        </p>
      </Empty>
    </main>
  )
}
