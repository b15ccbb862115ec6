import type { Card } from '@/api/types'

/** What an action must know of a task; a card and a task of `show` both are one. */
export interface Subject {
  id: string
  title: string
  status: string
  assignee: string | null
  priority: number
  /** When the run began that it has now, where it runs. */
  started_at?: number | null
  live?: Card['live']
  /** The event that asked, where one is answered: the server refuses a second answer to it. */
  question?: number | null
}

export type Subjects = readonly Subject[]
