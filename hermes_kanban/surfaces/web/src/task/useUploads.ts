/** Attaching files: one after the other, each told of by itself. */

import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useState } from 'react'
import { boardPath, request } from '@/api/client'
import { useBoard } from '@/app/board'
import { keys } from '@/live/keys'

export interface Failed {
  name: string
  error: unknown
}

export interface Uploads {
  uploading: readonly string[]
  failed: readonly Failed[]
  upload: (files: readonly File[]) => void
}

/** What is on its way, what failed, and how to send more. */
export function useUploads(task: string): Uploads {
  const { slug } = useBoard()
  const cache = useQueryClient()
  const [uploading, setUploading] = useState<string[]>([])
  const [failed, setFailed] = useState<Failed[]>([])
  const upload = useCallback(
    async (files: readonly File[]) => {
      setFailed([])
      setUploading((before) => [...before, ...files.map((file) => file.name)])
      for (const file of files) {
        try {
          await request(
            `${boardPath(slug, 'tasks', task, 'attachments')}?name=${encodeURIComponent(file.name)}`,
            {
              method: 'POST',
              body: file,
              headers: { 'Content-Type': file.type || 'application/octet-stream' },
            },
          )
          await cache.invalidateQueries({ queryKey: keys.task(slug, task), exact: true })
        } catch (error) {
          setFailed((before) => [...before, { name: file.name, error }])
        }
        setUploading((before) => before.filter((name) => name !== file.name))
      }
    },
    [slug, task, cache],
  )
  return { uploading, failed, upload: (files: readonly File[]) => void upload(files) }
}
