/** Questions that an action has before it is done; one at a time, answered in a dialog. */

import type { ReactNode } from 'react'

export interface TextQuestion {
  kind: 'text'
  title: string
  /** What the text is, over its field. */
  label: string
  /** The button, a verb. */
  submit: string
  required: boolean
  start?: string
  /** One of a few that goes with the text. */
  choice?: { label: string; options: readonly { value: string; label: string; told: string }[] }
}

export interface TextAnswer {
  text: string
  choice: string | null
}

export interface ConfirmQuestion {
  kind: 'confirm'
  title: string
  /** What is stopped, a line for each. */
  lines: readonly string[]
  told: string
  submit: string
}

export interface PickOption {
  value: string
  label: string
  icon?: ReactNode
  /** Beside the label, quiet. */
  told?: string
  /** Why it cannot be chosen. */
  whyNot?: string | null
  checked?: boolean
}

export interface PickQuestion {
  kind: 'pick'
  title: string
  placeholder: string
  options: readonly PickOption[]
  /** Makes an option of what was typed, where none is called so. */
  other?: (typed: string) => PickOption | null
}

export type Question = TextQuestion | ConfirmQuestion | PickQuestion

export interface Open {
  readonly id: number
  readonly question: Question
  readonly answer: (value: unknown) => void
}

// So many of the last texts are known again.
const TYPED = 10
let typed: readonly string[] = []
let open: Open | null = null
let count = 0
const listeners = new Set<() => void>()

function put<T>(question: Question): Promise<T | null> {
  open?.answer(null)
  count += 1
  return new Promise((resolve) => {
    const mine: Open = {
      id: count,
      question,
      answer: (value) => {
        if (open === mine) become(null)
        resolve(value as T | null)
      },
    }
    become(mine)
  })
}

function become(next: Open | null): void {
  open = next
  for (const one of listeners) one()
}

/** A text of the person; null where they took it back. */
export async function askText(question: Omit<TextQuestion, 'kind'>): Promise<TextAnswer | null> {
  const answer = await put<TextAnswer>({ kind: 'text', ...question })
  if (answer !== null && answer.text !== '') typed = [answer.text, ...typed].slice(0, TYPED)
  return answer
}

/** Whether this is one of the last texts that were typed here. */
export function wasTyped(text: unknown): boolean {
  return typed.some((one) => one === text)
}

/** True where the person wants it. */
export async function askConfirm(question: Omit<ConfirmQuestion, 'kind'>): Promise<boolean> {
  return (await put<true>({ kind: 'confirm', ...question })) === true
}

/** The value that was chosen; null where nothing was. */
export function askPick(question: Omit<PickQuestion, 'kind'>): Promise<string | null> {
  return put({ kind: 'pick', ...question })
}

/** The question that is open. */
export function opened(): Open | null {
  return open
}

export function watchOpened(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
