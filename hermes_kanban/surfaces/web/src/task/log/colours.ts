/**
 * The colours of a log, as words of our own style sheet.
 *
 * Only the codes that set a look (ESC [ … m) are read; every other control character is dropped, and
 * nothing becomes HTML.
 */

export interface Piece {
  text: string
  /** Class names, '' for plain text. */
  look: string
}

export interface LogLine {
  /** As it is searched and copied. */
  plain: string
  pieces: readonly Piece[]
}

const HUES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const
type Hue = (typeof HUES)[number]

const ESCAPE = String.fromCharCode(27)
const LOOK_CODE = new RegExp(`${ESCAPE}\\[([0-9;:]*)m`)
const CONTROL = /[\p{Cc}\p{Bidi_Control}]/gu
// What a line may cost, whoever wrote it.
const MOST_CODES = 400

const WORDS: Record<number, string> = {
  1: 'bold',
  2: 'dim',
  3: 'italic',
  4: 'underline',
  7: 'reverse',
  9: 'strikethrough',
}
const ENDS: Record<number, readonly string[]> = {
  21: ['bold'],
  22: ['bold', 'dim'],
  23: ['italic'],
  24: ['underline'],
  27: ['reverse'],
  29: ['strikethrough'],
}

/** Reads lines in their order: a look lasts until it is ended, over lines. */
export class Colours {
  private ink: Hue | null = null
  private paper: Hue | null = null
  private readonly words = new Set<string>()

  /** The line in pieces of one look each. */
  read(line: string): LogLine {
    // Text and codes by turns, a text first.
    const parts = line.split(LOOK_CODE)
    const pieces: Piece[] = []
    for (const [index, part] of parts.entries()) {
      if (index % 2 === 1) {
        if (index < 2 * MOST_CODES) this.obey(part)
        continue
      }
      const text = part.replace(/\t/g, '    ').replace(CONTROL, '')
      if (text === '') continue
      const look = this.look()
      const last = pieces.at(-1)
      if (last?.look === look) last.text += text
      else pieces.push({ text, look })
    }
    return { plain: pieces.map((one) => one.text).join(''), pieces }
  }

  private obey(codes: string): void {
    const numbers = codes
      .replace(/\b4:[0-9]/g, '4')
      .split(/[;:]/)
      .filter((one, index) => one !== '' || index === 0)
      .map(Number)
    for (let at = 0; at < numbers.length; at += 1) {
      const code = numbers[at] ?? 0
      if (code === 38 || code === 48) {
        const isPalette = numbers[at + 1] === 5
        const hue = isPalette
          ? ofPalette(numbers[at + 2] ?? 0)
          : nearest(numbers[at + 2] ?? 0, numbers[at + 3] ?? 0, numbers[at + 4] ?? 0)
        at += isPalette ? 2 : 4
        if (code === 38) this.ink = hue
        else this.paper = hue
      } else {
        this.set(code)
      }
    }
  }

  private set(code: number): void {
    const word = WORDS[code]
    if (code === 0) {
      this.ink = this.paper = null
      this.words.clear()
    } else if (word !== undefined) this.words.add(word)
    else if (ENDS[code] !== undefined) for (const one of ENDS[code]) this.words.delete(one)
    else if (code === 39) this.ink = null
    else if (code === 49) this.paper = null
    else if (code >= 30 && code <= 37) this.ink = HUES[code - 30] ?? null
    else if (code >= 90 && code <= 97) this.ink = HUES[code - 90] ?? null
    else if (code >= 40 && code <= 47) this.paper = HUES[code - 40] ?? null
    else if (code >= 100 && code <= 107) this.paper = HUES[code - 100] ?? null
  }

  private look(): string {
    const looks = [...this.words].map((word) => `log-${word}`)
    if (this.ink !== null) looks.push(`log-ink-${this.ink}`)
    if (this.paper !== null) looks.push(`log-on-${this.paper}`)
    return looks.join(' ')
  }
}

/** One of the eight hues that our themes have, for one of the 256. */
function ofPalette(index: number): Hue {
  if (index < 16) return HUES[index % 8] ?? 'white'
  if (index >= 232) return index < 244 ? 'black' : 'white'
  const at = index - 16
  return nearest(Math.floor(at / 36) * 51, (Math.floor(at / 6) % 6) * 51, (at % 6) * 51)
}

function nearest(red: number, green: number, blue: number): Hue {
  const most = Math.max(red, green, blue)
  const least = Math.min(red, green, blue)
  if (most - least < 40) return most < 110 ? 'black' : 'white'
  const middle = (most + least) / 2
  const index = (red > middle ? 1 : 0) + (green > middle ? 2 : 0) + (blue > middle ? 4 : 0)
  return HUES[index] ?? 'white'
}
