import type { Draft } from '../admin/apply.ts'
import type { FieldChange } from '../admin/difference.ts'
import type { Step } from '../admin/steps.ts'
import { written } from './output.ts'
import { plain } from './table.ts'
import { styled, type Outlet } from './terminal.ts'

/** Everything that a plan does to one thing. */
interface Change {
  readonly target: string
  readonly change: Step['change']
  readonly fields: readonly FieldChange[]
}

const MARKS = {
  create: { mark: '+', style: 'green' },
  change: { mark: '~', style: 'yellow' },
  remove: { mark: '-', style: 'red' },
} as const

/** What would change, for people: one block for each thing, in the order in which it is done; then what comes of it. */
export function planText(out: Outlet, { steps, kept }: Draft, consequences: readonly string[] = []): string {
  const changes = byTarget(steps)
  const lines = [
    ...changes.flatMap((change) => blockOf(out, change)),
    ...kept.map(({ target, why }) => styled(out, 'dim', `  keep ${plain(target)} (not declared): ${why}`)),
    ...(changes.length === 0 && kept.length === 0 ? [] : ['']),
    summaryOf(changes),
    ...(consequences.length === 0 ? [] : ['', ...consequences]),
  ]
  return `${lines.join('\n')}\n`
}

/** The same for programs: the commands themselves. */
export function planWritten(
  { steps, kept }: Draft,
  format: 'json' | 'yaml',
  review?: Readonly<Record<string, unknown>>,
): string {
  const told = steps.map(({ name, revision, ...rest }) => ({
    command: name,
    ...rest,
    ...(revision === undefined ? {} : { ifRevision: revision }),
  }))
  return written({ changes: told, kept, ...(review !== undefined && { review }) }, format)
}

export function byTarget(steps: readonly Step[]): readonly Change[] {
  const changes = new Map<string, Change>()
  for (const { target, change, fields } of steps) {
    const before = changes.get(target)
    const kind = before?.change ?? change
    // What is made is made first; what follows belongs to it, and was nothing before.
    const told = kind === 'create' ? fields.map(({ old: _old, ...each }) => each) : fields
    changes.set(target, { target, change: kind, fields: [...(before?.fields ?? []), ...told] })
  }
  return [...changes.values()]
}

function summaryOf(changes: readonly Change[]): string {
  if (changes.length === 0) return 'Nothing to do: all is as declared.'
  const counts = (['create', 'change', 'remove'] as const).flatMap((kind) => {
    const count = changes.filter(({ change }) => change === kind).length
    return count === 0 ? [] : [`${count} to ${kind}`]
  })
  return `${counts.join(', ')}.`
}

function blockOf(out: Outlet, { target, change, fields }: Change): readonly string[] {
  const { mark, style } = MARKS[change]
  const note = change === 'remove' ? ' (not declared)' : ''
  const head = styled(out, style, `${mark} ${change} ${plain(target)}${note}`)
  if (change === 'remove') return [head]
  const names = [...new Set(fields.map(({ field }) => field))]
  return [
    head,
    ...names.flatMap((name) => {
      const changes = fields.filter(({ field }) => field === name)
      return listLines(out, changes) ?? changes.map((each) => valueLine(each, change))
    }),
  ]
}

function valueLine({ field, old, new: now }: FieldChange, change: Step['change']): string {
  const none = field === 'delegable' ? 'false' : 'none'
  const was = change === 'create' ? '' : `${wordOf(old, none)} → `
  return `    ${plain(field)}: ${was}${wordOf(now, none)}`
}

/** Of a list, what comes and what goes. Undefined for what is none. */
function listLines(out: Outlet, changes: readonly FieldChange[]): readonly string[] | undefined {
  if (!changes.every(({ old = [], new: now = [] }) => Array.isArray(old) && Array.isArray(now)))
    return undefined
  const items = (side: 'old' | 'new'): readonly string[] =>
    changes.flatMap((each) => (Array.isArray(each[side]) ? each[side].map((item) => wordOf(item, '')) : []))
  const [old, now] = [items('old'), items('new')]
  return [
    `    ${plain(changes[0]?.field ?? '')}`,
    ...now.filter((item) => !old.includes(item)).map((item) => styled(out, 'green', `      + ${item}`)),
    ...old.filter((item) => !now.includes(item)).map((item) => styled(out, 'red', `      - ${item}`)),
  ]
}

/** A value as people write it. Text that could be taken for something else is in quotes. */
function wordOf(value: unknown, none: string): string {
  if (value === undefined || value === null) return none
  if (typeof value === 'string' && /^[^\s"→]+$/.test(value)) return plain(value)
  return plain(JSON.stringify(value))
}
