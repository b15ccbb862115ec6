/** Every key, once: the handlers, the hints and the `?` sheet are made of this table. */

export type Scope = 'anywhere' | 'board' | 'task' | 'inbox' | 'graph' | 'timeline' | 'past'

export interface KeyBinding {
  /** How it is pressed: `J`, `Shift+J`, `Mod+K`, or two after each other, `G B`. */
  keys: readonly string[]
  scope: Scope
  words: string
}

export const KEYS = {
  palette: { keys: ['Mod+K'], scope: 'anywhere', words: 'Command palette' },
  search: { keys: ['/'], scope: 'anywhere', words: 'Search' },
  allKeys: { keys: ['?'], scope: 'anywhere', words: 'All keys' },
  newTask: { keys: ['C'], scope: 'anywhere', words: 'New task here' },
  undo: { keys: ['Z'], scope: 'anywhere', words: 'Undo my last change' },
  back: { keys: ['Escape'], scope: 'anywhere', words: 'Back, clear' },
  goBoard: { keys: ['G B'], scope: 'anywhere', words: 'Go to the board' },
  goInbox: { keys: ['G I'], scope: 'anywhere', words: 'Go to what needs you' },
  goGraph: { keys: ['G G'], scope: 'anywhere', words: 'Go to the graph' },
  goTimeline: { keys: ['G T'], scope: 'anywhere', words: 'Go to the timeline' },
  goMetrics: { keys: ['G M'], scope: 'anywhere', words: 'Go to metrics' },
  goHealth: { keys: ['G H'], scope: 'anywhere', words: 'Go to health' },
  goProfiles: { keys: ['G P'], scope: 'anywhere', words: 'Go to profiles' },
  goSettings: { keys: ['G S'], scope: 'anywhere', words: 'Go to settings' },
  goPast: { keys: ['G A'], scope: 'anywhere', words: 'Go to the past' },
  down: { keys: ['J', 'ArrowDown'], scope: 'board', words: 'Card below' },
  up: { keys: ['K', 'ArrowUp'], scope: 'board', words: 'Card above' },
  left: { keys: ['H', 'ArrowLeft'], scope: 'board', words: 'Column to the left' },
  right: { keys: ['L', 'ArrowRight'], scope: 'board', words: 'Column to the right' },
  columnLeft: { keys: ['['], scope: 'board', words: 'Top of the column to the left' },
  columnRight: { keys: [']'], scope: 'board', words: 'Top of the column to the right' },
  open: { keys: ['Enter'], scope: 'board', words: 'Open' },
  openPage: { keys: ['Shift+Enter'], scope: 'board', words: 'Open as a page' },
  select: { keys: ['X'], scope: 'board', words: 'Select' },
  lift: { keys: [' '], scope: 'board', words: 'Lift the card, and drop it' },
  extendDown: { keys: ['Shift+J'], scope: 'board', words: 'Extend the selection down' },
  extendUp: { keys: ['Shift+K'], scope: 'board', words: 'Extend the selection up' },
  filter: { keys: ['F'], scope: 'board', words: 'Filter' },
  assign: { keys: ['A'], scope: 'board', words: 'Assign' },
  priority: { keys: ['P'], scope: 'board', words: 'Priority' },
  move: { keys: ['M'], scope: 'board', words: 'Move' },
  block: { keys: ['B'], scope: 'board', words: 'Block' },
  unblock: { keys: ['U'], scope: 'board', words: 'Unblock' },
  comment: { keys: ['R'], scope: 'board', words: 'Comment or reply' },
  why: { keys: ['W'], scope: 'board', words: 'Why it does not run' },
  log: { keys: ['O'], scope: 'board', words: 'Its output' },
  archive: { keys: ['E'], scope: 'board', words: 'Archive' },
  reclaim: { keys: ['Shift+R'], scope: 'board', words: 'Reclaim from its worker' },
  answerCard: {
    keys: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
    scope: 'board',
    words: 'Answer with that button',
  },
  copyLink: { keys: ['Y'], scope: 'board', words: 'Copy its link' },
  link: { keys: ['L'], scope: 'task', words: 'Link to another task' },
  edit: { keys: ['I'], scope: 'task', words: 'Edit the body' },
  editTitle: { keys: ['Shift+I'], scope: 'task', words: 'Edit the title' },
  save: { keys: ['Mod+Enter'], scope: 'task', words: 'Save, or send' },
  nextTask: { keys: ['J'], scope: 'task', words: 'Next card, in the drawer' },
  previousTask: { keys: ['K'], scope: 'task', words: 'Previous card, in the drawer' },
  asPage: { keys: ['Shift+Enter'], scope: 'task', words: 'The drawer as a page' },
  taskAnswer: {
    keys: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
    scope: 'task',
    words: 'Answer with that button',
  },
  taskReply: { keys: ['Shift+W'], scope: 'task', words: 'Answer in words' },
  logFind: { keys: ['Shift+O'], scope: 'task', words: 'Search its output' },
  taskAssign: { keys: ['A'], scope: 'task', words: 'Assign' },
  taskPriority: { keys: ['P'], scope: 'task', words: 'Priority' },
  taskMove: { keys: ['M'], scope: 'task', words: 'Move' },
  taskBlock: { keys: ['B'], scope: 'task', words: 'Block' },
  taskUnblock: { keys: ['U'], scope: 'task', words: 'Unblock' },
  taskComment: { keys: ['R'], scope: 'task', words: 'Comment' },
  taskWhy: { keys: ['W'], scope: 'task', words: 'Why it does not run' },
  taskLog: { keys: ['O'], scope: 'task', words: 'Its output' },
  taskArchive: { keys: ['E'], scope: 'task', words: 'Archive' },
  taskReclaim: { keys: ['Shift+R'], scope: 'task', words: 'Reclaim from its worker' },
  taskCopyLink: { keys: ['Y'], scope: 'task', words: 'Copy its link' },
  inboxDown: { keys: ['J', 'ArrowDown'], scope: 'inbox', words: 'Next' },
  inboxUp: { keys: ['K', 'ArrowUp'], scope: 'inbox', words: 'Previous' },
  inboxOpen: { keys: ['Enter'], scope: 'inbox', words: 'Open the task' },
  answer: {
    keys: ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
    scope: 'inbox',
    words: 'Answer with that button',
  },
  reply: { keys: ['R'], scope: 'inbox', words: 'Reply in words' },
  graphList: { keys: ['T'], scope: 'graph', words: 'List or drawing' },
  graphAlong: { keys: ['ArrowLeft', 'ArrowRight'], scope: 'graph', words: 'Along a link' },
  graphAside: { keys: ['ArrowUp', 'ArrowDown'], scope: 'graph', words: 'Within a level' },
  graphOpen: { keys: ['Enter'], scope: 'graph', words: 'Open the task' },
  zoomIn: { keys: ['+', '='], scope: 'graph', words: 'Nearer' },
  zoomOut: { keys: ['-'], scope: 'graph', words: 'Farther' },
  zoomFit: { keys: ['0'], scope: 'graph', words: 'Show all of it' },
  timeAlong: { keys: ['ArrowLeft', 'ArrowRight'], scope: 'timeline', words: 'Run before or after' },
  timeAside: { keys: ['ArrowUp', 'ArrowDown'], scope: 'timeline', words: 'Another profile' },
  timeOpen: { keys: ['Enter'], scope: 'timeline', words: 'Open the run on its task' },
  timeTable: { keys: ['T'], scope: 'timeline', words: 'Table or drawing' },
  timeEarlier: { keys: ['['], scope: 'timeline', words: 'Earlier' },
  timeLater: { keys: [']'], scope: 'timeline', words: 'Later' },
  timeNow: { keys: ['0'], scope: 'timeline', words: 'Back to now' },
  pastBefore: { keys: ['['], scope: 'past', words: 'The event before' },
  pastAfter: { keys: [']'], scope: 'past', words: 'The event after' },
  pastNow: { keys: ['0'], scope: 'past', words: 'Back to now' },
  pastChanges: { keys: ['T'], scope: 'past', words: 'Board or changes' },
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
