import { TASK_ID } from '@/kit/sentences'
import { useTask } from './context'
import { TaskLink } from './TaskLink'

const ID = new RegExp(`\\b(${TASK_ID})\\b`)

/** A plain text in which the ids of other tasks are links to them. */
export function Mentions({ text }: { text: string }) {
  const { id } = useTask()
  return text
    .split(ID)
    .map((part, index) =>
      index % 2 === 1 && part !== id ? <TaskLink key={index} id={part} /> : part,
    )
}
