import DOMPurify from 'dompurify'
import { Marked } from 'marked'
import { useMemo } from 'react'
import { openTask } from '@/actions/opening'
import { isForBrowser } from './pressed'
import { TASK_ID } from './sentences'

const TASK = new RegExp(`^${TASK_ID}\\b`)
const LINK = new RegExp(`<a data-task="(${TASK_ID})" href="#">`, 'g')

// A line so long was broken by whoever wrote it in an editor; a shorter one ends on purpose.
const WRAPPED_AT = 60

const parser = new Marked({ gfm: true, breaks: true })
// Tags without attributes that do nothing but set type. Any other HTML is shown as it was written.
const PLAIN_TAG = /^<\/?(?:b|br|del|em|i|s|strong|sub|sup|kbd)\s*\/?>$/i

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
}

parser.use({
  renderer: {
    html: ({ text }) => (PLAIN_TAG.test(text.trim()) ? text : escaped(text)),
    // A picture would be asked for from elsewhere: it is a link.
    image: ({ href, text }) => `<a href="${escaped(href)}">${escaped(text || href)}</a>`,
    checkbox: ({ checked }) =>
      `<input type="checkbox" disabled aria-label="${checked ? 'done' : 'open'}"${checked ? ' checked' : ''}> `,
    code: ({ text }) => `<pre tabindex="0"><code>${escaped(text)}\n</code></pre>`,
  },
  walkTokens(token) {
    const inside = 'tokens' in token ? token.tokens : undefined
    if (inside === undefined) return
    let line = 0
    for (const [index, one] of inside.entries()) {
      if (one.type !== 'br') {
        line = one.raw.includes('\n')
          ? one.raw.length - one.raw.lastIndexOf('\n')
          : line + one.raw.length
        continue
      }
      if (line >= WRAPPED_AT && !/ {2}|\\/.test(one.raw)) {
        inside[index] = { type: 'text', raw: one.raw, text: ' ', escaped: true }
      }
      line = 0
    }
  },
  extensions: [
    {
      name: 'task',
      level: 'inline',
      start: (source) => source.search(new RegExp(`\\b${TASK_ID}`)),
      tokenizer(source) {
        const found = TASK.exec(source)
        return found === null ? undefined : { type: 'task', raw: found[0] }
      },
      renderer: (token) => `<a data-task="${token.raw}" href="#">${token.raw}</a>`,
    },
  ],
})

// What an agent wrote may want to look like the page, load a picture from elsewhere, or run.
const purifier = DOMPurify(window)
purifier.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName !== 'A' || node.hasAttribute('data-task')) return
  node.setAttribute('rel', 'noopener noreferrer nofollow')
  node.setAttribute('target', '_blank')
})
const ALLOWED = {
  ALLOWED_TAGS: [
    ...['a', 'b', 'blockquote', 'br', 'code', 'del', 'em', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6'],
    ...[
      'hr',
      'i',
      'input',
      'kbd',
      'li',
      'ol',
      'p',
      'pre',
      's',
      'strong',
      'sub',
      'sup',
      'table',
      'tbody',
    ],
    ...['td', 'th', 'thead', 'tr', 'ul'],
  ],
  ALLOWED_ATTR: [
    ...[
      'href',
      'title',
      'type',
      'checked',
      'disabled',
      'start',
      'data-task',
      'aria-label',
      'tabindex',
    ],
  ],
  // Words and numbers, which are no addresses.
  ADD_URI_SAFE_ATTR: ['type', 'checked', 'disabled', 'start', 'tabindex'],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#)/i,
}

/** Markdown as safe HTML: no script, no style, no picture, no form, links to the web only. */
function safeHtml(text: string): string {
  return purifier.sanitize(parser.parse(text, { async: false }), ALLOWED)
}

/** What a person or an agent wrote; the ids of tasks in it are links to them. */
export function Markdown({ text, board }: { text: string; board: string }) {
  const html = useMemo(
    () => safeHtml(text).replaceAll(LINK, `<a data-task="$1" href="/b/${board}/t/$1">`),
    [text, board],
  )
  const open = (event: React.MouseEvent) => {
    const link = (event.target as Element).closest('a[data-task]')
    if (link === null || isForBrowser(event)) return
    event.preventDefault()
    openTask(board, link.getAttribute('data-task') ?? '')
  }
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the links inside are reached by keyboard
    // biome-ignore lint/a11y/noStaticElementInteractions: only the links inside act
    <div className="prose" onClick={open} dangerouslySetInnerHTML={{ __html: html }} />
  )
}
