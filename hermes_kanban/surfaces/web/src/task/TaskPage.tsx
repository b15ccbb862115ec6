import { useCallback } from 'react'
import { useParams } from 'wouter'
import { openTask } from '@/actions/opening'
import { useBoard } from '@/app/board'
import { placeOf, useGo } from '@/app/places'
import { TaskScreen } from './TaskScreen'

/** A task's own page. */
export default function TaskPage() {
  const { id = '' } = useParams<{ id: string }>()
  const { slug } = useBoard()
  const go = useGo()
  const leave = useCallback(() => {
    // Back to where one came from; the board where the page was opened by its address.
    if (cameFromHere()) history.back()
    else go(`~${placeOf(slug)}`)
  }, [go, slug])
  return (
    <TaskScreen
      id={id}
      inDrawer={false}
      onClose={leave}
      onPage={null}
      onShow={(other) => openTask(slug, other)}
    />
  )
}

function cameFromHere(): boolean {
  const { navigation } = window as { navigation?: { canGoBack: boolean } }
  return navigation?.canGoBack ?? history.length > 1
}
