import { Empty } from '@/kit/Empty'

/** How to come in, for a browser that is not logged in. */
export function SignIn({ refused }: { refused: string | null }) {
  return (
    <main>
      <Empty title="Open the board from a terminal" command="hermes-kanban board --open">
        <p>
          {refused ?? 'This browser is not logged in.'} The command prints a link that opens the
          board here, once, within two minutes.
        </p>
      </Empty>
    </main>
  )
}
