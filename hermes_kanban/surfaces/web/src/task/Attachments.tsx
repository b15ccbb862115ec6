import { Download, File, Paperclip } from 'lucide-react'
import { useRef, useState } from 'react'
import { boardPath, request } from '@/api/client'
import { sentenceOf } from '@/api/problem'
import type { Attachment } from '@/api/types'
import { useBoard } from '@/app/board'
import { Button, IconButton } from '@/kit/Button'
import { bytes } from '@/kit/numbers'
import { absolute, clockTime } from '@/kit/time'
import { toastProblem } from '@/kit/toasts'
import { useTask } from './context'
import { saveAs, shownAs } from './files'
import { Preview } from './Preview'
import { Section } from './Section'

/** Files of the task: to look at, to save, and more of them dropped in or chosen. */
export function Attachments() {
  const { detail, uploads, may } = useTask()
  const { uploading, failed, upload } = uploads
  const field = useRef<HTMLInputElement>(null)
  const { attachments } = detail
  return (
    <Section
      title="Attachments"
      count={attachments.length || undefined}
      id="task-attachments"
      tools={
        may('attach') && (
          <Button look="quiet" small onClick={() => field.current?.click()}>
            <Paperclip className="i" aria-hidden="true" />
            Attach
          </Button>
        )
      }
    >
      <input
        ref={field}
        type="file"
        multiple
        hidden
        aria-label="Files to attach"
        onChange={(event) => {
          upload([...(event.target.files ?? [])])
          event.target.value = ''
        }}
      />
      {attachments.length + uploading.length > 0 ? (
        <ul className="task-box task-files">
          {attachments.map((one) => (
            <FileRow key={one.id} file={one} />
          ))}
          {uploading.map((name) => (
            <li key={`u${name}`} className="dim" aria-busy="true">
              <div className="task-file">
                <File className="i" aria-hidden="true" /> {name} <span>is being attached</span>
              </div>
            </li>
          ))}
        </ul>
      ) : (
        <p className="dim">No file yet. Drop one anywhere on this task.</p>
      )}
      {failed.map(({ name, error }) => (
        <p key={name} role="alert" className="task-error-line">
          {name} is not attached. {sentenceOf(error)}
        </p>
      ))}
    </Section>
  )
}

function FileRow({ file }: { file: Attachment }) {
  const { slug } = useBoard()
  const [open, setOpen] = useState(false)
  const canShow = shownAs(file) !== 'none'
  const save = async () => {
    try {
      const path = boardPath(slug, 'tasks', file.task_id, 'attachments', file.id)
      saveAs(await (await request(path)).blob(), file.name)
    } catch (error) {
      toastProblem(error)
    }
  }
  return (
    <li>
      <div className="task-file">
        <File className="i" aria-hidden="true" />
        {canShow ? (
          <button
            type="button"
            className="task-file-name cut"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            {file.name}
          </button>
        ) : (
          <span className="cut">{file.name}</span>
        )}
        <span className="dim">{bytes(file.size)}</span>
        <span className="grow" />
        {file.run_id !== null && <span className="dim">run {file.run_id}</span>}
        <time className="dim" title={absolute(file.created_at)}>
          {clockTime(file.created_at)}
        </time>
        <IconButton name={`Download ${file.name}`} small onClick={() => void save()}>
          <Download className="i" />
        </IconButton>
      </div>
      {open && <Preview file={file} />}
    </li>
  )
}
