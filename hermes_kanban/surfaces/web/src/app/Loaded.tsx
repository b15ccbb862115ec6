import { Component, type ReactNode, Suspense } from 'react'
import { Button } from '@/kit/Button'
import { Empty } from '@/kit/Empty'

/**
 * A part of the page that is loaded when it is first shown. Where that fails, as after the server
 * was replaced by a newer one, this part says so and the rest of the page goes on. `of` is what is
 * shown in it: another is tried anew.
 */
export function Loaded({ of, children }: { of: string; children: ReactNode }) {
  return (
    <Boundary key={of}>
      <Suspense fallback={null}>{children}</Suspense>
    </Boundary>
  )
}

class Boundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true }
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children
    return (
      <Empty title="This part of the page could not be shown">
        <p>The server may have a newer page, or is not reached. Nothing that you did is lost.</p>
        <p>
          <Button onClick={() => location.reload()}>Load the page anew</Button>
        </p>
      </Empty>
    )
  }
}
