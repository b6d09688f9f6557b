import type { z } from 'zod'
import { GatehouseError, RevisionConflict, type Fault } from '../errors.ts'
import { permit } from './caller.ts'
import type { Command, KeyRing, Secrets } from './command.ts'
import type { StateStore } from './state-store.ts'
import { Transaction, type Actor, type Committed } from './transaction.ts'

/** How often a command that lost a race is decided anew before its caller is told. */
const ATTEMPTS_MAX = 5

/** Everything commands run on. Clock and names come from outside. */
export interface Admin {
  readonly store: StateStore
  readonly keys: KeyRing
  readonly secrets: Secrets
  readonly now: () => Date
  readonly nextId: () => string
  readonly version: string
}

/** A command as the bus brings it: who asks, and what the body says. */
export interface Asked {
  readonly actor: Actor
  readonly payload: unknown
}

export interface Answer extends Committed {
  readonly [field: string]: unknown
}

/** One command: parse, stamp, decide, commit. Throws GatehouseError; then nothing has changed. */
export async function execute(admin: Admin, command: Command, { actor, payload }: Asked): Promise<Answer> {
  const request = parse(command.request, payload)
  const at = admin.now().toISOString()
  const commandId = admin.nextId()
  return retryOnConflict(async () => {
    const context = {
      actor,
      commandId,
      correlationId: commandId,
      at,
      nextId: admin.nextId,
      version: admin.version,
    }
    const tx = new Transaction(admin.store, context)
    await permit(tx, actor, command)
    const reply = await command.handle(request, { tx, keys: admin.keys, secrets: admin.secrets })
    return { ...reply, ...(await tx.commit()) }
  })
}

async function retryOnConflict<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let n = 1; ; n += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof RevisionConflict) || n === ATTEMPTS_MAX) throw error
    }
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, payload: unknown): z.output<Schema> {
  const parsed = schema.safeParse(payload)
  if (parsed.success) return parsed.data
  const faults = faultsOf(parsed.error)
  const summary = faults.map(({ where, rule }) => (where === '' ? rule : `${where}: ${rule}`)).join('; ')
  throw new GatehouseError('invalid_request', summary, { faults })
}

/** Every fault zod found, by the path of its field. The value that was wrong is never part of it. */
export function faultsOf(error: z.ZodError): readonly (Fault & { readonly path: readonly PropertyKey[] })[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => located([...issue.path, key], 'is not a field that is known here'))
    }
    return [located(issue.path, issue.message)]
  })
}

function located(
  path: readonly PropertyKey[],
  rule: string,
): Fault & { readonly path: readonly PropertyKey[] } {
  const where = path.reduce<string>(
    (text, step) =>
      typeof step === 'number' ? `${text}[${step}]` : text === '' ? String(step) : `${text}.${String(step)}`,
    '',
  )
  return { where, rule, path }
}
