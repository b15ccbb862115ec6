import { Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { useLocation, useSearchParams } from 'wouter'
import { Key } from '@/kit/Button'
import { useBoard } from './board'
import { placeOf } from './places'

const TYPING_MILLISECONDS = 150

/** Search in titles, bodies and ids: it narrows the board, and stands in the address. */
export function SearchBox() {
  const { slug } = useBoard()
  const [search, setSearch] = useSearchParams()
  const [at, go] = useLocation()
  const asked = search.get('q') ?? ''
  const [text, setText] = useState(asked)
  const own = useRef(asked)
  useEffect(() => {
    if (asked === own.current) return
    own.current = asked
    setText(asked)
  }, [asked])
  useEffect(() => {
    if (text === own.current) return
    const timer = setTimeout(() => {
      own.current = text
      if (at === '/') {
        setSearch((before) => withText(before, text), { replace: true })
      } else {
        go(`~${placeOf(slug)}?${withText(new URLSearchParams(), text)}`)
      }
    }, TYPING_MILLISECONDS)
    return () => clearTimeout(timer)
  }, [text, at, go, setSearch, slug])
  return (
    <search className="search">
      <Search className="i" aria-hidden="true" />
      <input
        id="search"
        type="search"
        placeholder="Search"
        aria-label="Search"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          event.stopPropagation()
          if (text === '') event.currentTarget.blur()
          else setText('')
        }}
      />
      <Key>/</Key>
    </search>
  )
}

function withText(before: URLSearchParams, text: string): URLSearchParams {
  const next = new URLSearchParams(before)
  if (text.trim() === '') next.delete('q')
  else next.set('q', text)
  return next
}
