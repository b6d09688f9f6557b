import type { Account } from '../domain/account.ts'
import { beyond } from '../domain/beyond.ts'
import { inboxPrefixOf } from '../domain/entries.ts'
import type { Grant, GrantParts } from '../domain/grant.ts'
import { OPERATOR_SCOPE, type Policy } from '../domain/policy.ts'
import { same } from '../domain/same.ts'
import { policyKey, USER_PREFIX } from '../domain/state-keys.ts'
import type { Credential, User } from '../domain/user.ts'
import { GatehouseError, type ErrorCode } from '../errors.ts'
import { policies } from './aggregates.ts'
import type { Delegate, Reach } from './caller.ts'
import { compiled, grantOfParts, rolesWithin } from './compiled.ts'
import { commandsOf, refuseOtherCommands } from './other-commands.ts'
import { accountNamed, ifThere } from './lookup.ts'
import type { Transaction, View } from './transaction.ts'

/** What an account's own admins may do: architecture section 5. What refuses throws `forbidden`. */

/** Refuses a request that names another account than the caller's own, in the same words whether there is one. */
export async function confine(
  view: View,
  reach: Reach,
  { account }: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (reach === 'system' || reach === 'nothing' || isOverAll(reach) || typeof account !== 'string') return
  const found = await ifThere(accountNamed(view, account))
  if (found?.id === reach.account.id) return
  const own = reach.account.name
  throw new GatehouseError('forbidden', `users of account "${own}" change and see what is in "${own}" alone`)
}

/** Of the policies and roles of others, an account sees those that are for every account. */
export function isVisible({ scope }: Pick<Policy, 'scope'>, reach: Reach): boolean {
  if (reach === 'system' || reach === 'nothing') return reach === 'system'
  return isOverAll(reach) || [OPERATOR_SCOPE, reach.account.id].includes(scope)
}

/** The account (A…) beyond which the caller sees nothing; `undefined` where it sees everything. Throws `forbidden`. */
export function boundOf(reach: Reach): string | undefined {
  if (reach === 'nothing') throw new GatehouseError('forbidden', 'what everybody may ask shows nothing')
  return reach === 'system' || isOverAll(reach) ? undefined : reach.account.id
}

function isOverAll({ account }: Delegate): boolean {
  return account.role === 'admin'
}

/**
 * Refuses what would hand on more than the caller has: a policy that is not marked delegable, a user that may do
 * what the caller may not (before the change too, for whoever sets the password of somebody is that somebody), and
 * an end that is later than the caller's own.
 */
export async function refuseWider(tx: Transaction, reach: Reach): Promise<void> {
  if (reach === 'system') return
  if (reach === 'nothing') {
    if (tx.isEmpty) return
    throw new GatehouseError('forbidden', 'what everybody may ask changes nothing')
  }
  if (isOverAll(reach)) await refuseOtherCommands(tx, reach)
  for (const { before, after } of tx.changes(USER_PREFIX)) {
    if (same(before, after)) continue // Something happened to the user, and it is who it was.
    const change: Change = { was: before as User | undefined, is: after as User | undefined }
    await (isOverAll(reach) ? refuseStrongerAdmin(tx, reach, change) : refuseWiderUser(tx, reach, change))
  }
}

interface Change {
  readonly was: User | undefined
  readonly is: User | undefined
}

async function refuseWiderUser(view: View, reach: Delegate, { was, is }: Change): Promise<void> {
  if (was !== undefined && (await canEnter(view, was, reach))) await refuseStronger(view, reach, was)
  if (is === undefined) return
  await refuseUndelegable(view, { was, is })
  await refuseStronger(view, reach, is)
  refuseLater(reach, { was, is })
}

/** In ADMIN what counts is who may send which commands: a help desk there makes nobody an admin, nor becomes one. */
async function refuseStrongerAdmin(view: View, { account, grant }: Delegate, change: Change): Promise<void> {
  for (const user of [change.was, change.is]) {
    if (user?.account !== account.id || !(await canEnter(view, user, { account }))) continue
    const wider = beyond(commandsOf((await compiled(view, user, account)).grant), commandsOf(grant))
    if (wider !== undefined) throw stronger(user, wider)
  }
}

const NO_GRANT: readonly ErrorCode[] = ['policy_missing', 'template_value_missing', 'grant_too_large']

/** Whoever lacks a policy, or a value for one, or has too much of them, is granted nothing: there is nobody to be, until it is mended. */
async function canEnter(view: View, user: User, { account }: Pick<Delegate, 'account'>): Promise<boolean> {
  try {
    await compiled(view, user, account)
    return true
  } catch (error) {
    if (error instanceof GatehouseError && NO_GRANT.includes(error.code)) return false
    throw error
  }
}

function stronger(user: User, wider: string): GatehouseError {
  return new GatehouseError('forbidden', `user "${user.name}" would have more than you have: ${wider}`)
}

async function refuseUndelegable(view: View, { was, is }: Change & { readonly is: User }): Promise<void> {
  const added = new Set(is.policies.filter((id) => was?.policies.includes(id) !== true))
  const given = is.roles.filter((id) => was?.roles.includes(id) !== true)
  for (const role of (await rolesWithin(view, given)).values())
    for (const policy of role.policies) added.add(policy)
  for (const id of added) {
    const policy = await view.load(policies, policyKey(id))
    if (policy.status === 'present' && policy.delegable) continue
    const name = policy.status === 'present' ? policy.name : id
    throw new GatehouseError(
      'forbidden',
      `policy "${name}" is not delegable: only admins of the system assign it`,
    )
  }
}

async function refuseStronger(view: View, reach: Delegate, user: User): Promise<void> {
  const { account } = reach
  const { parts } = await compiled(view, user, account)
  const wider = beyond(ownGrant(user, account, parts), reach.grant)
  if (wider !== undefined) throw stronger(user, wider)
}

/**
 * What the account gives to everybody is nobody's to hand on, nor is an inbox that is the user's alone; what the account
 * denies to everybody counts.
 */
function ownGrant(user: User, account: Account, parts: GrantParts): Grant {
  const whole = grantOfParts(user, account, parts)
  const policies = parts.policies.filter(
    ({ id }) => id !== account.defaultPolicy || user.policies.includes(id),
  )
  const own = grantOfParts(user, account, { ...parts, policies })
  const ownInbox = `${inboxPrefixOf(user)}.>`
  return {
    ...whole,
    publish: { allow: own.publish.allow, deny: whole.publish.deny },
    subscribe: {
      allow: own.subscribe.allow.filter((entry) => entry !== ownInbox),
      deny: whole.subscribe.deny,
    },
    responses: own.responses,
  }
}

/** Neither the user nor what it is given to prove itself with has a later end than the caller. */
function refuseLater(
  { user: { expiresAt: end } }: Delegate,
  { was, is }: Change & { readonly is: User },
): void {
  if (end === undefined) return
  const isLater = (time: string | undefined): boolean =>
    time === undefined || Date.parse(time) > Date.parse(end)
  const isUserLater = isLater(is.expiresAt)
  const isGiven = ({ id }: Credential): boolean => was?.credentials.every((held) => held.id !== id) ?? true
  const outlasts =
    (isUserLater && is.expiresAt !== was?.expiresAt) ||
    (isUserLater && was === undefined) ||
    (isUserLater && is.credentials.some((given) => isGiven(given) && isLater(given.expiresAt)))
  if (!outlasts) return
  throw new GatehouseError('forbidden', `user "${is.name}" would outlast you: ${end} is the latest end`)
}
