import { useEffect } from 'react'
import { useSearchParams } from 'wouter'
import type { Part } from './places'

/** The headings of the parts of a task's page. */
const HEADINGS: Record<Part, string> = {
  diff: 'task-changes',
  log: 'task-log-head',
  runs: 'task-runs',
}
const PATIENCE_MILLISECONDS = 4_000

/** Brings the part that the address names into view when it is there; a task may have none. */
export function useAtPart(): void {
  const [search, setSearch] = useSearchParams()
  const part = search.get('part')
  useEffect(() => {
    if (part === null || !(part in HEADINGS)) return
    const end = () => {
      watcher.disconnect()
      clearTimeout(timer)
    }
    const look = () => {
      const heading = document.getElementById(HEADINGS[part as Part])
      if (heading === null) return
      end()
      heading.scrollIntoView({ block: 'start' })
      setSearch(
        (before) => {
          const next = new URLSearchParams(before)
          next.delete('part')
          return next
        },
        { replace: true },
      )
    }
    const watcher = new MutationObserver(look)
    watcher.observe(document.body, { childList: true, subtree: true })
    const timer = setTimeout(end, PATIENCE_MILLISECONDS)
    look()
    return end
  }, [part, setSearch])
}
