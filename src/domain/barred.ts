import { accountStatus, type Account } from './account.ts'
import type { Grant } from './grant.ts'
import { statusOf, type User } from './user.ts'
import { SUBJECTS_LENGTH_MAX, worn } from './worn.ts'

/** Why nobody gets in as this user, whatever its policies say. The codes are reasons of a denial. */
export interface Bar {
  readonly reason:
    | 'account_reserved'
    | `account_${Exclude<ReturnType<typeof accountStatus>, 'active'>}`
    | `user_${Exclude<ReturnType<typeof statusOf>, 'active'>}`
  /** The account, or the user. */
  readonly about: string
}

/** Locked, suspended, expired: the state of account and user speaks before any policy does. */
export function barring(user: User, account: Account, nowMs: number): Bar | undefined {
  const { name, role } = account
  if (role === 'system' || role === 'callout') return { reason: 'account_reserved', about: name }
  const ofAccount = accountStatus(account, nowMs)
  if (ofAccount !== 'active') return { reason: `account_${ofAccount}`, about: name }
  const ofUser = statusOf(user, nowMs)
  return ofUser === 'active' ? undefined : { reason: `user_${ofUser}`, about: user.name }
}

/** Why nobody gets in with this grant, from wherever and however. The codes are reasons of a denial. */
export interface Shut {
  readonly reason: 'source_not_allowed' | 'connection_type_not_allowed' | 'grant_invalid'
  readonly about: string
}

/** Lists of sources or kinds of connection with nothing in common, and more subjects than a JWT may have. */
export function shutting(grant: Grant): Shut | undefined {
  const { sources, connectionTypes } = grant
  if (sources?.length === 0)
    return { reason: 'source_not_allowed', about: 'its policies have no network in common' }
  if (connectionTypes?.length === 0)
    return {
      reason: 'connection_type_not_allowed',
      about: 'its policies have no kind of connection in common',
    }
  return worn(grant) === undefined
    ? { reason: 'grant_invalid', about: `more than ${SUBJECTS_LENGTH_MAX} characters of subjects` }
    : undefined
}
