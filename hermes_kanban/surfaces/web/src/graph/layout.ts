/**
 * Where the tasks of a graph stand, level by level from left to right, and the ways of their links.
 *
 * Levels are longest paths; the order within a level is that of the neighbours' middles, swept to
 * and fro; heights are the least squares of those middles that keep the gaps. All of it is a few
 * passes over the links: 600 tasks take some milliseconds, so it needs no worker and no wait.
 */

export interface Joint {
  parent_id: string
  child_id: string
}

export interface Sizes {
  width: number
  height: number
  /** Between two levels. */
  across: number
  /** Between two tasks of a level. */
  down: number
}

export interface Spot {
  /** Its upper left corner. */
  x: number
  y: number
  level: number
}

export interface Way {
  parent: string
  child: string
  /** What an SVG path draws. */
  path: string
}

export interface Layout {
  spots: ReadonlyMap<string, Spot>
  ways: readonly Way[]
  width: number
  height: number
  levels: number
}

export const SIZES: Sizes = { width: 196, height: 52, across: 52, down: 20 }

const SWEEPS = 8
const SETTLINGS = 5

/** A task, or the place where a long link crosses a level. */
interface Cell {
  id: string | null
  level: number
  /** Its middle. */
  y: number
  parents: Cell[]
  children: Cell[]
  order: number
}

/** The layout of these tasks; a link that names another is left out. Links form no cycle. */
export function layOut(
  ids: readonly string[],
  links: readonly Joint[],
  sizes: Sizes = SIZES,
): Layout {
  const cells = new Map(ids.map((id) => [id, newCell(id, 0)]))
  const joined = links.flatMap((link) => {
    const parent = cells.get(link.parent_id)
    const child = cells.get(link.child_id)
    return parent && child ? [[parent, child] as const] : []
  })
  setLevels([...cells.values()], joined)
  const chains = joined.map(([parent, child]) => chain(parent, child))
  const rows = intoRows([...cells.values(), ...chains.flatMap((one) => one.slice(1, -1))])
  setOrder(rows)
  setHeights(rows, sizes)
  const top = Math.min(...rows.flat().map((cell) => cell.y))
  const bottom = Math.max(...rows.flat().map((cell) => cell.y))
  for (const cell of rows.flat()) cell.y = Math.round(cell.y - top + sizes.height / 2)
  const pitch = sizes.width + sizes.across
  return {
    spots: new Map(
      [...cells].map(([id, { level, y }]) => [
        id,
        { x: level * pitch, y: y - sizes.height / 2, level },
      ]),
    ),
    ways: chains.map((one) => way(one, sizes)),
    width: Math.max(0, rows.length * pitch - sizes.across),
    height: ids.length === 0 ? 0 : Math.round(bottom - top + sizes.height),
    levels: rows.length,
  }
}

function newCell(id: string | null, level: number): Cell {
  return { id, level, y: 0, parents: [], children: [], order: 0 }
}

function setLevels(cells: Cell[], joined: (readonly [Cell, Cell])[]): void {
  const after = new Map<Cell, Cell[]>()
  const waits = new Map<Cell, number>()
  for (const [parent, child] of joined) {
    after.set(parent, [...(after.get(parent) ?? []), child])
    waits.set(child, (waits.get(child) ?? 0) + 1)
  }
  const free = cells.filter((cell) => !waits.has(cell))
  const sources = [...free]
  for (const cell of free) {
    for (const child of after.get(cell) ?? []) {
      child.level = Math.max(child.level, cell.level + 1)
      const left = (waits.get(child) ?? 0) - 1
      waits.set(child, left)
      if (left === 0) free.push(child)
    }
  }
  // What waits for nothing stands right before what waits for it: its links stay short.
  for (const source of sources) {
    const next = (after.get(source) ?? []).map((child) => child.level)
    if (next.length > 0) source.level = Math.min(...next) - 1
  }
}

/** A link as neighbours: its ends, and a cell on each level between them. */
function chain(parent: Cell, child: Cell): Cell[] {
  const between = Array.from({ length: Math.max(0, child.level - parent.level - 1) }, (_, at) =>
    newCell(null, parent.level + at + 1),
  )
  const all = [parent, ...between, child]
  for (const [at, cell] of all.entries()) {
    const next = all[at + 1]
    if (next === undefined) continue
    cell.children.push(next)
    next.parents.push(cell)
  }
  return all
}

function intoRows(cells: Cell[]): Cell[][] {
  const rows: Cell[][] = []
  for (const cell of cells) {
    while (rows.length <= cell.level) rows.push([])
    rows[cell.level]?.push(cell)
  }
  return rows
}

/** Few crossings: each level by the middle of its neighbours, to the right and back. */
function setOrder(rows: Cell[][]): void {
  fromTheFirst(rows)
  let best = crossings(rows)
  let kept = rows.map((row) => [...row])
  for (let sweep = 0; sweep < SWEEPS && best > 0; sweep += 1) {
    const toRight = sweep % 2 === 0
    for (const row of toRight ? rows : rows.toReversed()) {
      sortBy(row, (cell) => middle(toRight ? cell.parents : cell.children))
    }
    const now = crossings(rows)
    if (now >= best) continue
    best = now
    kept = rows.map((row) => [...row])
  }
  for (const [level, row] of kept.entries()) {
    rows[level] = row
    renumber(row)
  }
}

/** The order in which one comes by them from the first on: what belongs together lies together. */
function fromTheFirst(rows: Cell[][]): void {
  const seen = new Set<Cell>()
  const reached: Cell[][] = rows.map(() => [])
  for (const start of rows.flat()) {
    const todo = [start]
    for (let cell = todo.pop(); cell !== undefined; cell = todo.pop()) {
      if (seen.has(cell)) continue
      seen.add(cell)
      reached[cell.level]?.push(cell)
      todo.push(...cell.children.toReversed())
    }
  }
  for (const [level, row] of reached.entries()) {
    rows[level] = row
    renumber(row)
  }
}

function renumber(row: Cell[]): void {
  for (const [at, cell] of row.entries()) cell.order = at
}

/** Sorts, with those in their place that have no wish. */
function sortBy(row: Cell[], wish: (cell: Cell) => number | null): void {
  const wished = new Map(row.map((cell) => [cell, wish(cell) ?? cell.order]))
  row.sort((a, b) => (wished.get(a) ?? 0) - (wished.get(b) ?? 0) || a.order - b.order)
  renumber(row)
}

function middle(cells: Cell[]): number | null {
  if (cells.length === 0) return null
  return cells.reduce((sum, cell) => sum + cell.order, 0) / cells.length
}

/** How many pairs of links cross, counted level by level. */
function crossings(rows: Cell[][]): number {
  let found = 0
  for (const [level, row] of rows.entries()) {
    const size = rows[level + 1]?.length ?? 0
    const ends = row.flatMap((cell) => cell.children.map((one) => one.order).sort((a, b) => a - b))
    const counted = new Uint32Array(size + 1)
    for (const [before, end] of ends.entries()) {
      let below = 0
      for (let at = end + 1; at > 0; at -= at & -at) below += counted[at] ?? 0
      found += before - below
      for (let at = end + 1; at <= size; at += at & -at) counted[at] = (counted[at] ?? 0) + 1
    }
  }
  return found
}

function setHeights(rows: Cell[][], sizes: Sizes): void {
  for (const row of rows) settle(row, sizes, () => null)
  for (let pass = 0; pass < SETTLINGS; pass += 1) {
    for (const row of rows) settle(row, sizes, (cell) => pull(cell.parents, cell))
    for (const row of rows.toReversed()) settle(row, sizes, (cell) => pull(cell.children, cell))
  }
  for (const row of rows)
    settle(row, sizes, (cell) => pull([...cell.parents, ...cell.children], cell))
}

/** Where its neighbours draw a cell to; a long link is kept straight. */
function pull(neighbours: Cell[], cell: Cell): number | null {
  let sum = 0
  let weights = 0
  for (const one of neighbours) {
    const weight = one.id === null ? (cell.id === null ? 8 : 2) : 1
    sum += weight * one.y
    weights += weight
  }
  return weights === 0 ? null : sum / weights
}

/**
 * Puts a level as near to its wishes as the gaps allow. Subtracting the gaps leaves wishes that
 * must not fall; neighbours that would are pooled at their mean, which is the least squares of it.
 */
function settle(row: Cell[], sizes: Sizes, wish: (cell: Cell) => number | null): void {
  const offsets: number[] = []
  let offset = 0
  for (const [at, cell] of row.entries()) {
    if (at > 0) offset += gap(row[at - 1], cell, sizes)
    offsets.push(offset)
  }
  const pools: { sum: number; weight: number; cells: number }[] = []
  for (const [at, cell] of row.entries()) {
    const wanted = wish(cell)
    const weight = wanted === null ? 0.01 : cell.id === null ? 3 : 1
    let pool = { sum: weight * ((wanted ?? cell.y) - (offsets[at] ?? 0)), weight, cells: 1 }
    for (let last = pools.at(-1); last !== undefined; last = pools.at(-1)) {
      if (last.sum / last.weight <= pool.sum / pool.weight) break
      pools.pop()
      pool = {
        sum: last.sum + pool.sum,
        weight: last.weight + pool.weight,
        cells: last.cells + pool.cells,
      }
    }
    pools.push(pool)
  }
  let at = 0
  for (const pool of pools) {
    for (const end = at + pool.cells; at < end; at += 1) {
      const cell = row[at]
      if (cell !== undefined) cell.y = pool.sum / pool.weight + (offsets[at] ?? 0)
    }
  }
}

function gap(above: Cell | undefined, below: Cell, sizes: Sizes): number {
  const halves = [above, below].map((cell) => (cell?.id == null ? 0 : sizes.height / 2))
  const between = above?.id == null || below.id === null ? sizes.down * 0.6 : sizes.down
  return (halves[0] ?? 0) + (halves[1] ?? 0) + between
}

function way(cells: Cell[], sizes: Sizes): Way {
  const pitch = sizes.width + sizes.across
  const [first] = cells
  const last = cells.at(-1)
  let path = `M${(first?.level ?? 0) * pitch + sizes.width} ${first?.y ?? 0}`
  for (const [at, cell] of cells.entries()) {
    const before = cells[at - 1]
    if (before === undefined) continue
    const from = before.level * pitch + sizes.width
    const to = cell.level * pitch
    const bend = (to - from) * 0.6
    path +=
      before.y === cell.y
        ? `H${to}`
        : `C${from + bend} ${before.y} ${to - bend} ${cell.y} ${to} ${cell.y}`
    if (cell !== last) path += `H${to + sizes.width}`
  }
  return { parent: first?.id ?? '', child: last?.id ?? '', path }
}
