/** Files that come through a request of the page, since a link has none of its proofs. */

/** Has the browser save it under that name. */
export function saveAs(blob: Blob, name: string): void {
  const address = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}

export type Shown = 'picture' | 'text' | 'markdown' | 'none'

const PICTURES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])
const TEXTS = /^text\/|[/+](json|xml|yaml|toml|javascript|typescript|x-sh)$/
const TEXT_NAMES =
  /\.(txt|md|csv|tsv|log|json|ya?ml|toml|ini|py|ts|tsx|js|css|html?|sql|sh|diff|patch)$/i

/** How a file can be looked at here. An SVG is text: it may hold a script. */
export function shownAs(file: { media_type: string; name: string }): Shown {
  if (PICTURES.has(file.media_type)) return 'picture'
  if (file.media_type === 'text/markdown' || /\.md$/i.test(file.name)) return 'markdown'
  if (TEXTS.test(file.media_type) || TEXT_NAMES.test(file.name)) return 'text'
  return 'none'
}
