import { z } from 'zod'
import { accountStatus, type Account } from '../domain/account.ts'
import type { Grant, GrantParts } from '../domain/grant.ts'
import { accountKey } from '../domain/state-keys.ts'
import { covers } from '../domain/subject.ts'
import { statusOf, type User } from '../domain/user.ts'
import { GatehouseError } from '../errors.ts'
import { accounts } from './aggregates.ts'
import type { Command } from './command.ts'
import { compiled } from './compiled.ts'
import { ifThere, userNamed } from './lookup.ts'
import type { Actor, View } from './transaction.ts'

const RequestInfo = z.object({
  acc: z.string().min(1),
  user: z.string().min(1),
  id: z.int().positive().optional().catch(undefined),
  start: z.iso.datetime({ offset: true }).optional().catch(undefined),
})

/** Who sends a command, as the bus says it. */
export interface Caller {
  readonly actor: Actor
  /** RFC 3339: since when it is connected. Absent when the server does not say. */
  readonly connectedAt?: string | undefined
  /** The number of its connection at its server. Absent when the server does not say. */
  readonly cid?: number | undefined
}

/** Who lives in an account, and what they may do in it. */
export interface Delegate {
  readonly account: Account
  readonly user: User
  /** What the grant is made of. */
  readonly parts: GrantParts
  readonly grant: Grant
}

/**
 * What a command may touch: the whole system when this process itself asks; what is in the account that the caller
 * lives in, which for ADMIN is everything; or nothing.
 */
export type Reach = 'system' | 'nothing' | Delegate

/**
 * The caller as the bus names it: header `Nats-Request-Info`, which the server writes and nobody can forge
 * (reference I.1). Without it, or without a user in it, there is no caller. Throws `no_caller`.
 */
export function callerOf(requestInfo: string | undefined): Caller {
  const parsed = RequestInfo.safeParse(json(requestInfo))
  if (!parsed.success) {
    throw new GatehouseError('no_caller', 'the bus does not say who asks: import auth.v1.> with share: true')
  }
  const { acc, user, start, id } = parsed.data
  return { actor: { account: acc, user }, connectedAt: start, cid: id }
}

/**
 * How far a caller's command reaches. Its server let it publish the subject, by what it was granted when it
 * connected; we ask whether it may still, by what is stored now, and from where it comes. Throws `forbidden`.
 */
export async function permit(
  view: View,
  asked: Caller & { readonly nowMs: number },
  { access, name }: Command,
): Promise<Reach> {
  if (access === 'everyone') return 'nothing' // And so it costs nothing: a crowd may ask.
  const caller = await standing(view, asked)
  const { account, user, grant } = caller
  const subject = `auth.v1.${name}`
  const has = (list: readonly string[]): boolean => list.some((entry) => covers(entry, subject))
  if (!has(grant.publish.allow) || has(grant.publish.deny))
    throw new GatehouseError('forbidden', `nothing lets user "${user.name}" publish ${subject} any more`)
  if (account.role === 'admin' || access !== 'admin') return caller
  throw new GatehouseError('forbidden', `${name} is for admins, not for users of account "${account.name}"`)
}

/** Whoever was locked out, suspended, or deleted may yet be connected: it is nobody here. */
async function standing(
  view: View,
  { actor, connectedAt, nowMs }: Caller & { readonly nowMs: number },
): Promise<Delegate> {
  const account = await view.load(accounts, accountKey(actor.account))
  const user = account.status === 'present' ? await ifThere(userNamed(view, account, actor.user)) : undefined
  if (account.status === 'absent' || user === undefined || isNamesake(user, connectedAt))
    throw new GatehouseError('forbidden', `there is no user "${actor.user}" in that account`)
  const [ofAccount, ofUser] = [accountStatus(account, nowMs), statusOf(user, nowMs)]
  if (ofAccount !== 'active')
    throw new GatehouseError('forbidden', `account "${account.name}" is ${ofAccount}`)
  if (ofUser !== 'active') throw new GatehouseError('forbidden', `user "${user.name}" is ${ofUser}`)
  return { account, user, ...(await compiled(view, user, account)) }
}

/** Clocks of servers and ours may differ by so much. */
const SKEW_MS_MAX = 10_000

/** Whoever was connected before there was this user was another one of that name, who is gone. */
function isNamesake({ createdAt }: User, connectedAt: string | undefined): boolean {
  return connectedAt !== undefined && Date.parse(connectedAt) + SKEW_MS_MAX < Date.parse(createdAt)
}

function json(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
