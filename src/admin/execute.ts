import type { z } from 'zod'
import { accountKey, userKey } from '../domain/state-keys.ts'
import { GatehouseError, RevisionConflict } from '../errors.ts'
import type { Evictions } from '../sessions/kicking.ts'
import type { AccountJwts, AccountServers } from './account-jwts.ts'
import { permit, type Caller, type Reach } from './caller.ts'
import { confine, refuseWider } from './delegation.ts'
import { requestOf, type Envelope } from './envelope.ts'
import { repetition } from './repetition.ts'
import type { Command, GrantOf, KeyRing, OperatorTrust, Scene, Secrets } from './command.ts'
import type { EventLog } from './event-log.ts'
import type { Lockouts } from './lockouts.ts'
import { check, faulty } from './faults.ts'
import type { SessionRecords } from './session-records.ts'
import type { UserActivity } from './user-activity.ts'
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
  readonly sessions: SessionRecords
  readonly evictions: Evictions
  readonly lockouts: Lockouts
  readonly lastSeen: UserActivity
  readonly now: () => Date
  readonly nextId: () => string
  /** Resolves after a while that is random, and longer with every attempt: so that rivals part. */
  readonly pause: (attempt: number) => Promise<void>
  /** As in `Scene`. */
  readonly breathe: () => Promise<void>
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
  let parsed: Parsed | undefined
  return retryOnConflict(admin.pause, async () => {
    const view = new View(admin.store)
    const reach = await permit(view, { ...caller, nowMs: admin.now().getTime() }, command)
    parsed ??= parse(admin, command, payload) // After that: who may not ask is not told what is wrong with it.
    const tx = begin(admin, parsed, caller)
    for (const key of standingKeys(reach)) tx.hold(await view.stored(key))
    return attempt({ ...admin, tx, reach }, command, parsed)
  })
}

/** One command of this process itself: parse, stamp, decide, commit. Throws as above. */
export function execute(admin: Admin, command: Command, asked: Asked): Promise<Answer> {
  const parsed = parse(admin, command, asked.payload)
  return retryOnConflict(admin.pause, () => {
    const tx = begin(admin, parsed, asked)
    return attempt({ ...admin, tx, reach: 'system' }, command, parsed)
  })
}

/** The envelope, and what every attempt to do what it says has in common. */
interface Parsed {
  readonly envelope: Envelope
  readonly id: string
  readonly at: string
}

function parse(admin: Admin, command: Command, payload: unknown): Parsed {
  const envelope = checked(requestOf(command), payload) as Envelope
  return { envelope, id: envelope.commandId ?? admin.nextId(), at: admin.now().toISOString() }
}

function begin(
  { store, nextId, version, environment }: Admin,
  { envelope: { correlationId, ifRevision }, id, at }: Parsed,
  { actor, connectedAt }: Caller,
): Transaction {
  const who = { actor, connectedAt, commandId: id, correlationId: correlationId ?? id }
  return new Transaction(store, { ...who, ifRevision, at, nextId, version, environment })
}

/** What makes the caller somebody: nothing is committed once it is locked, suspended or gone. */
function standingKeys(reach: Reach): readonly string[] {
  if (reach === 'system' || reach === 'nothing') return []
  const { account, user } = reach
  const own = userKey(account.id, user.id)
  return account.role === 'tenant' ? [own, accountKey(account.id)] : [own] // Only tenants are suspended or deleted.
}

async function attempt(scene: Admin & Scene, command: Command, { envelope }: Parsed): Promise<Answer> {
  const { commandId, correlationId: _correlationId, ifRevision: _ifRevision, ...request } = envelope
  const { tx, reach, secrets } = scene
  const { actor } = tx.context
  const userId = typeof reach === 'object' ? reach.user.id : undefined
  const named = commandId === undefined ? undefined : { command, actor, userId, commandId, request }
  const repeated = named && repetition(secrets, named)
  const before = await repeated?.answer(tx)
  if (before !== undefined) return before
  await confine(tx, reach, request)
  const reply = await command.handle(request, scene)
  tx.refuseUnusedRevision()
  await refuseWider(tx, reach)
  return { ...reply, ...(await tx.commit(repeated?.record(reply))) }
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

function checked<Schema extends z.ZodType>(schema: Schema, payload: unknown): z.output<Schema> {
  const found = check(schema, payload)
  if (found.ok) return found.value
  const isUnenforceable = found.faults.every((fault) => fault.isUnenforceable)
  throw faulty(found.faults, isUnenforceable ? 'unenforceable' : 'invalid_request')
}
