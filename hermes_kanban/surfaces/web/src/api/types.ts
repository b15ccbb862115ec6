import type { components } from './schema'

type Schemas = components['schemas']

export type Attachment = Schemas['AttachmentView']
export type Attention = Schemas['Attention']
export type AttentionItem = Schemas['Item']
export type Bar = Schemas['Bar']
export type BoardList = Schemas['BoardList']
export type BulkResults = Schemas['BulkResults']
export type Card = Schemas['Card']
export type CardPage = Schemas['CardPage']
export type Caution = Schemas['Caution']
export type Comment = Schemas['Comment']
export type Counts = Schemas['Counts']
export type Delivery = Schemas['DeliveryView']
export type Destination = Schemas['DestinationView']
export type Event = Schemas['Event']
export type Gateway = Schemas['Gateway']
export type Grove = Schemas['Grove']
export type Health = Schemas['Health']
export type Hold = Schemas['Hold']
export type Host = Schemas['HostView']
export type Hosts = Schemas['Hosts']
export type Link = Schemas['Link']
export type ListedBoard = Schemas['ListedBoard']
export type LiveLine = Schemas['LiveLine']
export type Move = Schemas['Move']
export type Moves = Schemas['Moves']
export type Node = Schemas['Node']
export type Owing = Schemas['Owing']
export type ProfileView = Schemas['ProfileView']
export type Run = Schemas['RunView']
export type Settings = Schemas['Settings']
export type Subscription = Schemas['SubscriptionView']
export type Task = Schemas['TaskView']
export type TaskDetail = Schemas['TaskDetail']
export type Timeline = Schemas['Timeline']
export type Tree = Schemas['Tree']
export type Trends = Schemas['Trends']
export type Undone = Schemas['Undone']
export type Workspace = Schemas['Workspace']

/** The statuses in the order of the board's columns; archived is a filter, not a column. */
export const STATUSES = [
  'triage',
  'todo',
  'ready',
  'running',
  'review',
  'blocked',
  'done',
  'archived',
] as const

export type Status = (typeof STATUSES)[number]

export const COLUMNS: readonly Status[] = STATUSES.filter((one) => one !== 'archived')

/** The status of a card or task, as one of the eight. */
export function statusOf(of: { status: string }): Status {
  return of.status as Status
}
