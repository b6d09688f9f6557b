import type { z } from 'zod'
import { GatehouseError, RevisionConflict } from '../errors.ts'
import type { AccountJwts, AccountServers } from './account-jwts.ts'
import { permit, type Caller, type Reach } from './caller.ts'
import { confine, refuseWider } from './delegation.ts'
import { requestOf, type Envelope } from './envelope.ts'
import { repetition } from './repetition.ts'
import type { Command, GrantOf, KeyRing, OperatorTrust, Secrets } from './command.ts'
import type { EventLog } from './event-log.ts'
import { check, faulty } from './faults.ts'
import type { StateStore } from './state-store.ts'
import { Transaction, View, type Actor, type Committed } from './transaction.ts'

/**
 * How often a command that lost a race is decided anew before its caller is told to come back. Twenty writers of one
 * user get through with 11 attempts at most, fifty with 20 (measured, two slow cores).
 */
const ATTEMPTS_MAX = 20

/** Everything commands run on. Clock and names come from outside. */
export interface Admin {
  readonly store: StateStore
  readonly keys: KeyRing
  readonly secrets: Secrets
  readonly trust: OperatorTrust
  readonly grantOf: GrantOf
  readonly jwts: AccountJwts
  readonly servers: AccountServers
  readonly events: EventLog
  readonly now: () => Date
  readonly nextId: () => string
  /** Resolves after a while that is random, and longer with every attempt: so that rivals part. */
  readonly pause: (attempt: number) => Promise<void>
  readonly version: string
  readonly environment?: string | undefined
}

/** A command as the bus brings it: who asks, and what the body says. */
export interface Asked {
  readonly actor: Actor
  readonly payload: unknown
}

export interface Answer extends Committed {
  readonly [field: string]: unknown
}

/** One command of somebody on the bus: permit, then as below. Throws GatehouseError; then nothing has changed. */
export async function executeFor(
  admin: Admin,
  command: Command,
  { caller, payload }: { readonly caller: Caller; readonly payload: unknown },
): Promise<Answer> {
  const { actor, connectedAt } = caller
  const nowMs = admin.now().getTime()
  const reach = await permit(new View(admin.store), { ...caller, nowMs }, command)
  return run(admin, command, { actor, connectedAt, reach, payload })
}

/** One command of this process itself: parse, stamp, decide, commit. Throws as above. */
export function execute(admin: Admin, command: Command, asked: Asked): Promise<Answer> {
  return run(admin, command, { ...asked, reach: 'system' })
}

interface Run extends Asked {
  readonly connectedAt?: string | undefined
  readonly reach: Reach
}

async function run(
  admin: Admin,
  command: Command,
  { actor, connectedAt, reach, payload }: Run,
): Promise<Answer> {
  const asked = parse(requestOf(command), payload) as Envelope
  const { commandId, correlationId, ifRevision, ...request } = asked
  const id = commandId ?? admin.nextId()
  const at = admin.now().toISOString()
  return retryOnConflict(admin.pause, async () => {
    const context = {
      actor,
      commandId: id,
      correlationId: correlationId ?? id,
      ifRevision,
      connectedAt,
      at,
      nextId: admin.nextId,
      version: admin.version,
      environment: admin.environment,
    }
    const tx = new Transaction(admin.store, context)
    const repeated =
      commandId === undefined ? undefined : repetition(admin.secrets, { command, actor, commandId, request })
    const before = await repeated?.answer(tx)
    if (before !== undefined) return before
    await confine(tx, reach, request)
    const reply = await command.handle(request, { ...admin, tx, reach })
    tx.refuseUnheld()
    await refuseWider(tx, reach)
    return { ...reply, ...(await tx.commit(repeated?.record(reply))) }
  })
}

/** A caller that did not ask for a revision has no conflict: it waits, or at worst is told that there is a crowd. */
async function retryOnConflict<Result>(
  pause: Admin['pause'],
  attempt: () => Promise<Result>,
): Promise<Result> {
  for (let n = 1; ; n += 1) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error
      if (n === ATTEMPTS_MAX) {
        throw new GatehouseError('busy', 'too many change the same at once: try again', { cause: error })
      }
      await pause(n)
    }
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, payload: unknown): z.output<Schema> {
  const checked = check(schema, payload)
  if (checked.ok) return checked.value
  const isUnenforceable = checked.faults.every((fault) => fault.isUnenforceable)
  throw faulty(checked.faults, isUnenforceable ? 'unenforceable' : 'invalid_request')
}
