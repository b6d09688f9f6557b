import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { check } from '../admin/faults.ts'
import type { Environment } from '../config.ts'
import { GatehouseError } from '../errors.ts'
import { readJsonFile, writeAtomically } from '../nats/data-dir.ts'
import { INBOX_PREFIX_RULE, isInboxPrefix } from './inbox-prefix.ts'
import { hasSecret, NO_SECRET } from './server-url.ts'

const path = z.string().min(1)

/** Where somebody sends commands, and what file says who it is. No secret is in it, only where one is. */
const ContextFile = z.strictObject({
  description: z.string().optional(),
  server: z
    .string()
    .min(1)
    .refine((server) => !hasSecret(server), NO_SECRET),
  tokenFile: path.optional(),
  creds: path.optional(),
  user: z.string().min(1).optional(),
  passwordFile: path.optional(),
  inboxPrefix: z.string().refine(isInboxPrefix, INBOX_PREFIX_RULE).optional(),
})
export type Context = z.output<typeof ContextFile>

/** The contexts of one person: `$XDG_CONFIG_HOME/gatehouse/context/NAME.json`, mode 0600. */
export interface Contexts {
  names(): readonly string[]
  /** Throws `not_found`, or `invalid_configuration` for a file that is no context. */
  read(name: string): Context
  write(name: string, context: Context): void
  remove(name: string): void
  /** The one that is used when none is named. */
  selected(): string | undefined
  select(name: string): void
}

const REMEDY = 'make it again with gatehouse context add'

export function openContexts(env: Environment): Contexts {
  const root = join(env['XDG_CONFIG_HOME'] || join(env['HOME'] ?? '', '.config'), 'gatehouse')
  const folder = join(root, 'context')
  const chosen = join(root, 'selected.json')
  const fileOf = (name: string): string => join(folder, `${checkedName(name)}.json`)
  const names = (): readonly string[] => namesIn(folder)
  const selected = (): string | undefined => {
    const name = readJsonFile(chosen, { fields: ['context'], remedy: 'gatehouse context select' })?.[
      'context'
    ]
    return typeof name === 'string' ? name : undefined
  }
  const write = (file: string, content: unknown): void => {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeAtomically(file, `${JSON.stringify(content, null, 2)}\n`)
  }
  const read = (name: string): Context => {
    const found = readJsonFile(fileOf(name), { fields: ['server'], remedy: REMEDY })
    if (found === undefined) throw unknown(name, names())
    const checked = check(ContextFile, found)
    if (checked.ok) return checked.value
    const message = `${fileOf(name)} is no context: ${REMEDY}`
    throw new GatehouseError('invalid_configuration', message, { faults: checked.faults })
  }
  return {
    names,
    read,
    selected,
    write: (name, context) => write(fileOf(name), context),
    remove(name) {
      const file = fileOf(name) // What cannot be read can be removed all the same.
      if (!names().includes(name)) throw unknown(name, names())
      rmSync(file)
      if (selected() === name) rmSync(chosen, { force: true })
    },
    select(name) {
      read(name)
      write(chosen, { context: name })
    },
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => file.slice(0, -'.json'.length))
      .sort()
  } catch {
    return [] // Nobody has added one yet.
  }
}

/** It becomes the name of a file. */
function checkedName(name: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(name)) return name
  const rule = 'must be 1 to 64 letters, digits, ., _ or -, and not begin with .'
  throw new GatehouseError('invalid_configuration', `the name of a context ${rule}`)
}

function unknown(name: string, names: readonly string[]): GatehouseError {
  const there = names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`
  return new GatehouseError('not_found', `there is no context "${name}": ${there}`)
}
