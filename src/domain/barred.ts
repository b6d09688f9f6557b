import { accountStatus, type Account } from './account.ts'
import { statusOf, type User } from './user.ts'

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
