import { useEffect, useRef } from 'react'
import { useBoard } from '@/app/board'
import { taskPlace, useGo, useOpenTask } from '@/app/places'
import { TaskScreen } from './TaskScreen'

/** The task over the board, which stays live beneath. */
export default function TaskDrawer({ id }: { id: string }) {
  const { slug } = useBoard()
  const open = useOpenTask()
  const go = useGo()
  const box = useRef<HTMLDivElement>(null)
  const shown = useRef(id)
  shown.current = id
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null
    box.current?.focus({ preventScroll: true })
    return () => giveFocusBack(opener, shown.current)
  }, [])
  // What had the focus went with the task before.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is another task that takes it
  useEffect(() => box.current?.focus({ preventScroll: true }), [id])
  return (
    <div ref={box} className="task-drawer" role="dialog" aria-label={`Task ${id}`} tabIndex={-1}>
      <TaskScreen
        id={id}
        inDrawer
        onClose={() => open(null)}
        onPage={() => go(`~${taskPlace(slug, id)}`)}
        onShow={open}
      />
    </div>
  )
}

/** To the card of the task that was shown last, wherever it is now; else to what had it before. */
function giveFocusBack(opener: HTMLElement | null, id: string): void {
  requestAnimationFrame(() => {
    const now = document.activeElement
    // Whoever went somewhere else meanwhile stays there.
    if (now !== null && now !== document.body && now.isConnected) return
    const card = document.querySelector<HTMLElement>(`[data-card="${CSS.escape(id)}"]`)
    const target = card ?? (opener?.isConnected ? opener : document.querySelector('main'))
    ;(target as HTMLElement | null)?.focus({ preventScroll: card === null })
  })
}
