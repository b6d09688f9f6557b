import { styled, type Outlet } from './terminal.ts'

/** Longest cell that is shown whole: a public key fits. */
const CELL_MAX = 60

/** A value as one cell shows it: times short, sizes with a unit, lists in a line. */
export function cell(value: unknown, name = ''): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return shortTime(value)
  if (typeof value === 'number') return /bytes$/i.test(name) ? size(value) : String(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map((item) => cell(item)).join(', ')
  return Object.entries(value)
    .filter(([, part]) => part !== undefined)
    .map(([key, part]) => `${key} ${cell(part, key)}`)
    .join(' ')
}

/** `2026-11-21T05:16:02.123Z` as `2026-11-21 05:16Z`; everything that is no time as it is. */
function shortTime(text: string): string {
  const [, day, minute] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z$/.exec(text) ?? []
  return day === undefined || minute === undefined ? text : `${day} ${minute}Z`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

function size(bytes: number): string {
  let [value, unit] = [bytes, 0]
  while (value !== 0 && value % 1_024 === 0 && unit < UNITS.length - 1)
    [value, unit] = [value / 1_024, unit + 1]
  return `${value} ${UNITS[unit] ?? 'B'}`
}

export type Row = Readonly<Record<string, unknown>>

/** Rows under the names of their fields. Columns that are empty everywhere are left out. */
export function table(rows: readonly Row[], names: readonly string[], outlet: Outlet): string {
  const columns = names
    .map((name) => ({ head: heading(name), cells: rows.map((row) => inLine(name, row)) }))
    .filter(({ cells }) => cells.some((text) => text !== '' && text !== '-'))
    .map((column) => ({ ...column, width: Math.max(...[column.head, ...column.cells].map(width)) }))
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => pad(text, columns[i]?.width ?? 0))
      .join('  ')
      .trimEnd()
  const head = styled(outlet, 'bold', line(columns.map((column) => column.head)))
  const body = rows.map((_, n) => line(columns.map(({ cells }) => cells[n] ?? '')))
  return `${[head, ...body].join('\n')}\n`
}

/** Facts of one thing, a line each. */
export function facts(row: Row, outlet: Outlet): string {
  const lines = linesOf(row, '')
  const most = Math.max(0, ...lines.map(([name]) => width(name)))
  return lines.map(([name, text]) => `${styled(outlet, 'bold', pad(name, most))}  ${text}\n`).join('')
}

function linesOf(row: Row, above: string): (readonly [string, string])[] {
  return Object.entries(row).flatMap(([key, value]) => {
    const name = above === '' ? key : `${above}.${key}`
    if (value === undefined || value === null) return []
    if (Array.isArray(value) && value.some((item) => typeof item === 'object'))
      return value.map((item) => [name, plain(cell(item))] as const)
    if (typeof value === 'object' && !Array.isArray(value)) return linesOf(value as Row, name)
    return [[name, plain(cell(value, key))] as const]
  })
}

function heading(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter}`).toUpperCase()
}

/** What is typed again into the next command is shown whole. */
const WHOLE = 'id'

function inLine(name: string, row: Row): string {
  const letters = Array.from(plain(cell(row[name], name)))
  return letters.length > CELL_MAX && name !== WHOLE
    ? `${letters.slice(0, CELL_MAX - 1).join('')}…`
    : letters.join('')
}

/** What somebody stored must not move the cursor of who looks at it. */
export function plain(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '�')
}

function width(text: string): number {
  return Array.from(text).length
}

function pad(text: string, to: number): string {
  return text + ' '.repeat(Math.max(0, to - width(text)))
}
