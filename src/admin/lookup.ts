import type { Account } from '../domain/account.ts'
import type { Operator } from '../domain/operator.ts'
import { OPERATOR_SCOPE, type Policy } from '../domain/policy.ts'
import {
  accountKey,
  accountNameKey,
  OPERATOR_KEY,
  policyKey,
  policyNameKey,
  userKey,
  usernameKey,
  type UserReference,
} from '../domain/state-keys.ts'
import type { User } from '../domain/user.ts'
import { GatehouseError } from '../errors.ts'
import { accounts, operators, policies, users } from './aggregates.ts'
import type { View } from './transaction.ts'

/** From the names people write to what is stored under them. Each throws `not_found` with the name. */

export async function theOperator(view: View): Promise<Operator> {
  const operator = await view.load(operators, OPERATOR_KEY)
  if (operator.status === 'absent') throw new GatehouseError('not_found', 'there is no operator yet')
  return operator
}

/** An account by its name or its A… key. */
export async function accountNamed(view: View, name: string): Promise<Account> {
  const id = (await view.get(accountNameKey(name))) as string | undefined
  const account = await view.load(accounts, accountKey(id ?? name))
  if (account.status === 'absent') throw new GatehouseError('not_found', `there is no account "${name}"`)
  return account
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
    if (policy?.status === 'active') return policy
  }
  const where = account === undefined ? '' : ` usable in account "${account.name}"`
  throw new GatehouseError('not_found', `there is no policy "${name}"${where}`)
}
