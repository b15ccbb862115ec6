import { useQueryClient } from '@tanstack/react-query'
import { useId, useRef, useState } from 'react'
import { json } from '@/api/client'
import { sentenceOf } from '@/api/problem'
import { Button } from '@/kit/Button'
import { Dialog } from '@/kit/Dialog'
import { useOffline } from '@/live/connection'
import { keys } from '@/live/keys'
import { placeOf, useGo } from './places'

/** Makes a board and goes there; what is wrong with a name the server says. */
export function NewBoard({ onClose }: { onClose: () => void }) {
  const [slug, setSlug] = useState('')
  const [name, setName] = useState('')
  const [refused, setRefused] = useState<string | null>(null)
  const [making, setMaking] = useState(false)
  const offline = useOffline()
  const queries = useQueryClient()
  const go = useGo()
  const field = useRef<HTMLInputElement>(null)
  const id = useId()
  const make = async () => {
    setMaking(true)
    try {
      const body = name.trim() === '' ? { slug } : { slug, name: name.trim() }
      const made = await json<{ slug: string }>('/boards', 'POST', body)
      await queries.refetchQueries({ queryKey: keys.boards })
      onClose()
      go(`~${placeOf(made.slug)}`)
    } catch (error) {
      setRefused(sentenceOf(error))
      field.current?.focus()
    } finally {
      setMaking(false)
    }
  }
  return (
    <Dialog open onClose={onClose} title="New board" first={field}>
      <form
        className="new-board"
        onSubmit={(event) => {
          event.preventDefault()
          if (!making) void make()
        }}
      >
        <label htmlFor={`${id}-slug`}>Word for addresses and commands</label>
        <input
          id={`${id}-slug`}
          ref={field}
          className="field"
          required
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          placeholder="new-service"
          value={slug}
          aria-describedby={refused === null ? undefined : `${id}-refused`}
          aria-invalid={refused !== null}
          onChange={(event) => setSlug(event.target.value)}
        />
        {refused !== null && (
          <p id={`${id}-refused`} className="st blocked" role="alert">
            {refused}
          </p>
        )}
        <label htmlFor={`${id}-name`}>Name, if it is to have another</label>
        <input
          id={`${id}-name`}
          className="field"
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <div className="dialog-foot">
          <Button onClick={onClose}>Cancel</Button>
          <Button
            look="primary"
            type="submit"
            disabled={offline !== null || making}
            title={offline ?? undefined}
          >
            Create board
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
