import type { Account } from '../domain/account.ts'
import type { Grant } from '../domain/grant.ts'
import { partsOf } from '../domain/parts.ts'
import type { User } from '../domain/user.ts'
import { GatehouseError } from '../errors.ts'
import { compile } from './compile.ts'
import type { Directory } from './directory.ts'
import { Denial } from './reason.ts'

/** A user as the bus knows it: the account's public key, and the name in its JWT. */
export interface Named {
  readonly account: string
  readonly user: string
}

/**
 * What the door would grant a user now, by the same memory and the same compiled grant. Throws `not_found`, or
 * `policy_missing`, `template_value_missing` and `grant_too_large` where the door would deny for that.
 */
export async function grantOf(
  named: Named,
  directory: Directory,
): Promise<{ readonly account: Account; readonly user: User; readonly grant: Grant }> {
  const account = directory.account(named.account)
  const users = account === undefined ? [] : await directory.usersNamed(named.user)
  const user = users.find(({ account }) => account === named.account)
  if (account === undefined || user === undefined)
    throw new GatehouseError('not_found', `there is no user "${named.user}" in account "${named.account}"`)
  const parts = partsOf(user, account, directory)
  const grant =
    'missing' in parts ? new Denial(parts.missing, parts.id) : compile({ user, account, ...parts })
  if (!(grant instanceof Denial)) return { account, user, grant }
  const { reason, detail = reason } = grant
  const isOfGrant = reason === 'template_value_missing' || reason === 'grant_too_large'
  throw new GatehouseError(isOfGrant ? reason : 'policy_missing', `nothing is granted: ${detail}`)
}
