/** Every key, once: the handlers, the hints and the `?` sheet are made of this table. */

export type Scope = 'anywhere' | 'board' | 'task' | 'inbox' | 'graph' | 'timeline' | 'past'

export interface KeyBinding {
  /** How it is pressed: `J`, `Shift+J`, `Mod+K`, or two after each other, `G B`. */
  keys: readonly string[]
  /** Where they act. */
  scopes: readonly Scope[]
  words: string
}

const ANYWHERE = ['anywhere'] as const
const BOARD = ['board'] as const
const TASK = ['task'] as const
/** On the card with the focus, the selection, or the task that is open. */
const ON_TASKS = ['board', 'task'] as const
const INBOX = ['inbox'] as const
const GRAPH = ['graph'] as const
const TIMELINE = ['timeline'] as const
const PAST = ['past'] as const
const DIGITS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'] as const

export const KEYS = {
  palette: { keys: ['Mod+K'], scopes: ANYWHERE, words: 'Command palette' },
  search: { keys: ['/'], scopes: ANYWHERE, words: 'Search' },
  allKeys: { keys: ['?'], scopes: ANYWHERE, words: 'All keys' },
  newTask: { keys: ['C'], scopes: ANYWHERE, words: 'New task here' },
  undo: { keys: ['Z'], scopes: ANYWHERE, words: 'Undo my last change' },
  back: { keys: ['Escape'], scopes: ANYWHERE, words: 'Back, clear' },
  goBoard: { keys: ['G B'], scopes: ANYWHERE, words: 'Go to the board' },
  goInbox: { keys: ['G I'], scopes: ANYWHERE, words: 'Go to what needs you' },
  goGraph: { keys: ['G G'], scopes: ANYWHERE, words: 'Go to the graph' },
  goTimeline: { keys: ['G T'], scopes: ANYWHERE, words: 'Go to the timeline' },
  goMetrics: { keys: ['G M'], scopes: ANYWHERE, words: 'Go to metrics' },
  goHealth: { keys: ['G H'], scopes: ANYWHERE, words: 'Go to health' },
  goProfiles: { keys: ['G P'], scopes: ANYWHERE, words: 'Go to profiles' },
  goSettings: { keys: ['G S'], scopes: ANYWHERE, words: 'Go to settings' },
  goNotifications: { keys: ['G N'], scopes: ANYWHERE, words: 'Go to notifications' },
  goPast: { keys: ['G A'], scopes: ANYWHERE, words: 'Go to the past' },
  down: { keys: ['J', 'ArrowDown'], scopes: BOARD, words: 'Card below' },
  up: { keys: ['K', 'ArrowUp'], scopes: BOARD, words: 'Card above' },
  left: { keys: ['H', 'ArrowLeft'], scopes: BOARD, words: 'Column to the left' },
  right: { keys: ['L', 'ArrowRight'], scopes: BOARD, words: 'Column to the right' },
  columnLeft: { keys: ['['], scopes: BOARD, words: 'Top of the column to the left' },
  columnRight: { keys: [']'], scopes: BOARD, words: 'Top of the column to the right' },
  open: { keys: ['Enter'], scopes: BOARD, words: 'Open' },
  openPage: { keys: ['Shift+Enter'], scopes: BOARD, words: 'Open as a page' },
  select: { keys: ['X'], scopes: BOARD, words: 'Select' },
  lift: { keys: [' '], scopes: BOARD, words: 'Lift the card, and drop it' },
  extendDown: { keys: ['Shift+J'], scopes: BOARD, words: 'Extend the selection down' },
  extendUp: { keys: ['Shift+K'], scopes: BOARD, words: 'Extend the selection up' },
  filter: { keys: ['F'], scopes: BOARD, words: 'Filter' },
  assign: { keys: ['A'], scopes: ON_TASKS, words: 'Assign' },
  priority: { keys: ['P'], scopes: ON_TASKS, words: 'Priority' },
  move: { keys: ['M'], scopes: ON_TASKS, words: 'Move' },
  block: { keys: ['B'], scopes: ON_TASKS, words: 'Block' },
  unblock: { keys: ['U'], scopes: ON_TASKS, words: 'Unblock' },
  comment: { keys: ['R'], scopes: ON_TASKS, words: 'Comment or reply' },
  why: { keys: ['W'], scopes: ON_TASKS, words: 'Why it does not run' },
  log: { keys: ['O'], scopes: ON_TASKS, words: 'Its output' },
  archive: { keys: ['E'], scopes: ON_TASKS, words: 'Archive' },
  reclaim: { keys: ['Shift+R'], scopes: ON_TASKS, words: 'Reclaim from its worker' },
  answer: {
    keys: DIGITS,
    scopes: ['board', 'task', 'inbox'],
    words: 'Answer with that button',
  },
  copyLink: { keys: ['Y'], scopes: ON_TASKS, words: 'Copy its link' },
  notify: { keys: ['N'], scopes: ON_TASKS, words: 'Notify of it' },
  link: { keys: ['L'], scopes: TASK, words: 'Link to another task' },
  edit: { keys: ['I'], scopes: TASK, words: 'Edit the body' },
  editTitle: { keys: ['Shift+I'], scopes: TASK, words: 'Edit the title' },
  save: { keys: ['Mod+Enter'], scopes: TASK, words: 'Save, or send' },
  nextTask: { keys: ['J'], scopes: TASK, words: 'Next card, in the drawer' },
  previousTask: { keys: ['K'], scopes: TASK, words: 'Previous card, in the drawer' },
  asPage: { keys: ['Shift+Enter'], scopes: TASK, words: 'The drawer as a page' },
  taskReply: { keys: ['Shift+W'], scopes: TASK, words: 'Answer in words' },
  logFind: { keys: ['Shift+O'], scopes: TASK, words: 'Search its output' },
  inboxDown: { keys: ['J', 'ArrowDown'], scopes: INBOX, words: 'Next' },
  inboxUp: { keys: ['K', 'ArrowUp'], scopes: INBOX, words: 'Previous' },
  inboxOpen: { keys: ['Enter'], scopes: INBOX, words: 'Open the task' },
  reply: { keys: ['R'], scopes: INBOX, words: 'Reply in words' },
  graphList: { keys: ['T'], scopes: GRAPH, words: 'List or drawing' },
  graphAlong: { keys: ['ArrowLeft', 'ArrowRight'], scopes: GRAPH, words: 'Along a link' },
  graphAside: { keys: ['ArrowUp', 'ArrowDown'], scopes: GRAPH, words: 'Within a level' },
  graphOpen: { keys: ['Enter'], scopes: GRAPH, words: 'Open the task' },
  zoomIn: { keys: ['+', '='], scopes: GRAPH, words: 'Nearer' },
  zoomOut: { keys: ['-'], scopes: GRAPH, words: 'Farther' },
  zoomFit: { keys: ['0'], scopes: GRAPH, words: 'Show all of it' },
  timeAlong: { keys: ['ArrowLeft', 'ArrowRight'], scopes: TIMELINE, words: 'Run before or after' },
  timeAside: { keys: ['ArrowUp', 'ArrowDown'], scopes: TIMELINE, words: 'Another profile' },
  timeOpen: { keys: ['Enter'], scopes: TIMELINE, words: 'Open the run on its task' },
  timeTable: { keys: ['T'], scopes: TIMELINE, words: 'Table or drawing' },
  timeEarlier: { keys: ['['], scopes: TIMELINE, words: 'Earlier' },
  timeLater: { keys: [']'], scopes: TIMELINE, words: 'Later' },
  timeNow: { keys: ['0'], scopes: TIMELINE, words: 'Back to now' },
  pastBefore: { keys: ['['], scopes: PAST, words: 'The event before' },
  pastAfter: { keys: [']'], scopes: PAST, words: 'The event after' },
  pastNow: { keys: ['0'], scopes: PAST, words: 'Back to now' },
  pastChanges: { keys: ['T'], scopes: PAST, words: 'Board or changes' },
} as const satisfies Record<string, KeyBinding>

export type KeyId = keyof typeof KEYS

/** How the first key of an action is shown: `⌘K`, `Ctrl K`, `Shift R`, `G B`. */
export function shown(id: KeyId, which = 0): string {
  return inWords(KEYS[id].keys[which] ?? KEYS[id].keys[0])
}

const APPLE = typeof navigator !== 'undefined' && /Mac|iP(hone|ad)/.test(navigator.platform)
const NAMES: Record<string, string> = {
  ArrowDown: '↓',
  ArrowUp: '↑',
  ArrowLeft: '←',
  ArrowRight: '→',
  Escape: 'Esc',
  ' ': 'Space',
}

/** A way to press, as people read it. */
export function inWords(keys: string): string {
  return keys
    .split('+')
    .map((one) => (one === 'Mod' ? (APPLE ? '⌘' : 'Ctrl') : (NAMES[one] ?? one)))
    .join(' ')
}
