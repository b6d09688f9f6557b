import { stringify } from 'yaml'
import { isMap } from './body.ts'
import { eventName, eventRow, isEvent } from './event-row.ts'
import { isSession, sessionRow } from './session-output.ts'
import { reached } from './reached.ts'
import { cell, facts, table, type Row } from './table.ts'
import type { Outlet } from './terminal.ts'
import { isVersion, versionRow } from './version-row.ts'

export type Format = 'table' | 'json' | 'yaml'
export const FORMATS = ['table', 'json', 'yaml'] as const

/** Fields of a reply that are shown once and never again. */
const SHOWN_ONCE = ['token', 'creds', 'activation'] as const

/** What goes where: results to standard output, words about them to standard error. */
export interface Shown {
  readonly out: string
  readonly err: string
}

/** A reply for a person or a program. A secret that is shown once stands alone on standard output. */
export function show(reply: Row, format: Format, outlet: Outlet): Shown {
  if (format !== 'table') return { out: written(reply, format), err: '' }
  for (const name of SHOWN_ONCE) {
    const secret = reply[name]
    if (typeof secret === 'string') return once({ name, secret }, reply)
  }
  const { tokens } = reply
  if (Array.isArray(tokens)) return several(tokens as readonly Row[], reply)
  const items = reply['items']
  if (Array.isArray(items)) return list(items as readonly Row[], reply['next'], outlet)
  return details(reply, outlet)
}

export function written(value: unknown, format: 'json' | 'yaml'): string {
  return format === 'json'
    ? `${JSON.stringify(value, null, 2)}\n`
    : stringify(value, { aliasDuplicateObjects: false })
}

function once({ name, secret }: { readonly name: string; readonly secret: string }, reply: Row): Shown {
  const about = Object.entries(reply)
    .filter(([key, value]) => key !== name && typeof value === 'string')
    .map(([key, value]) => `${key} ${cell(value)}`)
  const words = [`gatehouse: the ${name} is shown this once`, ...about].join(', ')
  return { out: secret.endsWith('\n') ? secret : `${secret}\n`, err: `${words}\n` }
}

/** Tokens that were made together: a line each, in the order of their credentials. */
function several(tokens: readonly Row[], reply: Row): Shown {
  const made = tokens.map(({ credential }) => cell(credential)).join(', ')
  const words = [`gatehouse: ${tokens.length === 1 ? 'the token is' : 'the tokens are'} shown this once`]
  for (const [key, value] of Object.entries(reply)) {
    if (typeof value === 'string') words.push(`${key} ${cell(value)}`)
  }
  const out = tokens.map(({ token }) => `${String(token)}\n`).join('')
  return { out, err: `${[...words, `credentials ${made}`].join(', ')}\n` }
}

/** Names first, what identifies to machines last. */
const FIRST = ['name', 'status', 'role', 'version']
const LAST = ['createdAt', 'revision', 'id']

function list(listed: readonly Row[], next: unknown, outlet: Outlet): Shown {
  const more = next === undefined ? '' : `gatehouse: there are more: --after ${cell(next)} goes on\n`
  if (listed.length === 0) return { out: '', err: more || 'gatehouse: there is none\n' }
  const items = rowsOf(listed).map(withNames)
  const all = [...new Set(items.flatMap((item) => Object.keys(item)))]
  const names = [
    ...FIRST.filter((name) => all.includes(name)),
    ...all.filter((name) => !FIRST.includes(name) && !LAST.includes(name) && tells(items, name)),
    ...LAST.filter((name) => all.includes(name)),
  ]
  return { out: table(items.map(counted), names, outlet), err: more }
}

/** What is listed in a way of its own, and everything else as it is. */
function rowsOf(listed: readonly Row[]): readonly Row[] {
  if (listed.every(isEvent)) return listed.map(eventRow)
  if (listed.every(isSession)) return listed.map(sessionRow)
  return listed.every(isVersion) ? listed.map(versionRow) : listed
}

/** What has an id and a name goes by its name. */
function withNames(item: Row): Row {
  const entries = Object.entries(item).map(([key, value]) =>
    isMap(value) && 'id' in value && 'name' in value ? [key, value['name']] : [key, value],
  )
  return Object.fromEntries(entries) as Row
}

/** A group of fields has no place in a row, and the account of users that were listed by account is no news. */
function tells(items: readonly Row[], name: string): boolean {
  if (name === 'account' && items.every((item) => item[name] === items[0]?.[name])) return false
  return items.every((item) => !isMap(item[name]))
}

/** Of a list of things, a row shows how many. */
function counted(item: Row): Row {
  const entries = Object.entries(item).map(([name, value]) =>
    Array.isArray(value) && value.some(isMap) ? [name, value.length] : [name, value],
  )
  return Object.fromEntries(entries) as Row
}

function details(reply: Row, outlet: Outlet): Shown {
  const { events, revision, connections: _connections, behind: _behind, ...rest } = reply
  const happened = Array.isArray(events)
    ? (events as readonly Row[]).map(({ subject }) => eventName(subject))
    : []
  const [only, ...others] = Object.values(rest)
  const subject = isMap(only) && others.length === 0 ? only : rest
  const changed = happened.length > 0 ? { events: happened } : {}
  const row = { ...subject, ...(revision === 0 ? {} : { revision }), ...changed }
  const isRead = Object.values(rest).some((value) => typeof value === 'object') || happened.length > 0
  const words = isRead ? '' : 'gatehouse: nothing changed: it was so already\n'
  return { out: facts(row, outlet), err: words + reached(reply) }
}
