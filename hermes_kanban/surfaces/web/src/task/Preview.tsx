import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { boardPath, request } from '@/api/client'
import { sentenceOf } from '@/api/problem'
import type { Attachment } from '@/api/types'
import { useBoard } from '@/app/board'
import { Markdown } from '@/kit/Markdown'
import { bytes } from '@/kit/numbers'
import { keys } from '@/live/keys'
import { shownAs } from './files'

const MOST_TEXT = 256 * 1024

/** A file as it looks: a picture, a text, or Markdown as it reads. */
export function Preview({ file }: { file: Attachment }) {
  const { slug } = useBoard()
  const as = shownAs(file)
  const found = useQuery({
    queryKey: keys.still(slug, 'file', { task: file.task_id, id: file.id }),
    queryFn: async () => {
      const path = boardPath(slug, 'tasks', file.task_id, 'attachments', file.id)
      const blob = await (await request(path)).blob()
      return as === 'picture' ? { blob } : { text: await blob.slice(0, MOST_TEXT).text() }
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  })
  if (found.isError) return <p role="alert">{sentenceOf(found.error)}</p>
  if (found.data === undefined) return <div className="skeleton task-preview-wait" />
  const { blob, text = '' } = found.data
  return (
    <div className="task-preview">
      {blob !== undefined && <Picture blob={blob} name={file.name} />}
      {as === 'markdown' && <Markdown text={text} board={slug} />}
      {as === 'text' && <pre className="task-pre">{text}</pre>}
      {file.size > MOST_TEXT && as !== 'picture' && (
        <p className="dim">The first {bytes(MOST_TEXT)} of it.</p>
      )}
    </div>
  )
}

function Picture({ blob, name }: { blob: Blob; name: string }) {
  const [address, setAddress] = useState<string | null>(null)
  useEffect(() => {
    const made = URL.createObjectURL(blob)
    setAddress(made)
    return () => URL.revokeObjectURL(made)
  }, [blob])
  return address === null ? null : <img src={address} alt={name} />
}
