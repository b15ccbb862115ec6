/** Tells readers what became of hosts, politely; the eye sees it where it looks for them. */

import { useEffect } from 'react'
import { announce } from '@/kit/announce'
import { onEvents } from '@/live/board'
import { hostNews } from './hostWords'

const MOST = 3

/** While its component is shown: hosts that come, go or are lost, or that others drain. */
export function useHostNews(board: string, actor: string): void {
  useEffect(
    () =>
      onEvents((message) => {
        if (message.board !== board) return
        const others = message.events.filter((one) => one.actor !== actor)
        const told = others.flatMap((one) => hostNews(one) ?? [])
        // After a while without the server only the newest are news.
        if (told.length > 0) announce(told.slice(-MOST).join(' '))
      }),
    [board, actor],
  )
}
