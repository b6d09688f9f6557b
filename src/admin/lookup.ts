import type { Account } from '../domain/account.ts'
import type { Operator } from '../domain/operator.ts'
import { OPERATOR_SCOPE, type Policy } from '../domain/policy.ts'
import type { Role } from '../domain/role.ts'
import {
  accountKey,
  accountNameKey,
  OPERATOR_KEY,
  policyKey,
  policyNameKey,
  roleKey,
  roleNameKey,
  userKey,
  usernameKey,
  type UserReference,
} from '../domain/state-keys.ts'
import type { User } from '../domain/user.ts'
import { GatehouseError } from '../errors.ts'
import { accounts, operators, policies, roles, users } from './aggregates.ts'
import type { View } from './transaction.ts'

/** From the names people write to what is stored under them. Each throws `not_found` with the name. */

export async function theOperator(view: View): Promise<Operator> {
  const operator = await view.load(operators, OPERATOR_KEY)
  if (operator.status === 'absent') throw new GatehouseError('not_found', 'there is no operator yet')
  return operator
}

/** A whole account public key, which no name looks like. */
export function isAccountId(text: string): boolean {
  return /^A[A-Z2-7]{55}$/.test(text)
}

/** An account by its name or its A… key. */
export async function accountNamed(view: View, reference: string): Promise<Account> {
  const id = isAccountId(reference)
    ? reference
    : ((await view.get(accountNameKey(reference))) as string | undefined)
  const account = id === undefined ? undefined : await view.load(accounts, accountKey(id))
  if (account?.status !== 'present')
    throw new GatehouseError('not_found', `there is no account "${reference}"`)
  return account
}

/** SYS and AUTH are as Gatehouse made them: nobody else is in them, and what they are is never pushed. */
export function isReserved({ role }: Pick<Account, 'role'>): boolean {
  return role === 'system' || role === 'callout'
}

/** An account that commands may change. Throws `forbidden` for SYS and AUTH. */
export async function openAccountNamed(view: View, reference: string): Promise<Account> {
  const account = await accountNamed(view, reference)
  if (!isReserved(account)) return account
  throw new GatehouseError(
    'forbidden',
    `account "${account.name}" belongs to Gatehouse: it and who is in it do not change`,
  )
}

/** The account of that name, if there is one. */
export async function accountIfThere(view: View, name: string): Promise<Account | undefined> {
  return ifThere(accountNamed(view, name))
}

/** What a look-up finds, or `undefined` for `not_found`. */
export async function ifThere<Value>(lookup: Promise<Value>): Promise<Value | undefined> {
  try {
    return await lookup
  } catch (error) {
    if (error instanceof GatehouseError && error.code === 'not_found') return undefined
    throw error
  }
}

export async function userNamed(view: View, account: Account, name: string): Promise<User> {
  const reference = (await view.get(usernameKey(name, account.id))) as UserReference | undefined
  const user = reference && (await view.load(users, userKey(reference.account, reference.user)))
  if (user === undefined || user.status === 'absent') {
    throw new GatehouseError('not_found', `there is no user "${name}" in account "${account.name}"`)
  }
  return user
}

/** A policy usable in the account: its own of that name, else the operator's. */
export async function policyNamed(view: View, account: Account | undefined, name: string): Promise<Policy> {
  const scopes = account === undefined ? [OPERATOR_SCOPE] : [account.id, OPERATOR_SCOPE]
  for (const scope of scopes) {
    const id = (await view.get(policyNameKey(scope, name))) as string | undefined
    const policy = id === undefined ? undefined : await view.load(policies, policyKey(id))
    if (policy?.status === 'present') return policy
  }
  const where = account === undefined ? '' : ` usable in account "${account.name}"`
  throw new GatehouseError('not_found', `there is no policy "${name}"${where}`)
}

/** The policy of exactly that owner: whoever means an account's own must not change everybody's. */
export async function ownPolicy(view: View, account: string | undefined, name: string): Promise<Policy> {
  const owner = account === undefined ? undefined : await accountNamed(view, account)
  const found = await policyNamed(view, owner, name)
  if (owner === undefined || found.scope === owner.id) return found
  throw new GatehouseError('not_found', `account "${owner.name}" has no policy "${name}" of its own`)
}

/** The role of exactly that owner. */
export async function ownRole(view: View, account: string | undefined, name: string): Promise<Role> {
  const owner = account === undefined ? undefined : await accountNamed(view, account)
  const found = await roleNamed(view, owner, name)
  if (owner === undefined || found.scope === owner.id) return found
  throw new GatehouseError('not_found', `account "${owner.name}" has no role "${name}" of its own`)
}

/** A role usable in the account: its own of that name, else the operator's. */
export async function roleNamed(view: View, account: Account | undefined, name: string): Promise<Role> {
  const scopes = account === undefined ? [OPERATOR_SCOPE] : [account.id, OPERATOR_SCOPE]
  for (const scope of scopes) {
    const id = (await view.get(roleNameKey(scope, name))) as string | undefined
    const role = id === undefined ? undefined : await view.load(roles, roleKey(id))
    if (role?.status === 'present') return role
  }
  const where = account === undefined ? '' : ` usable in account "${account.name}"`
  throw new GatehouseError('not_found', `there is no role "${name}"${where}`)
}
