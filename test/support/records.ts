import type { Directory } from '../../src/callout/directory.ts'
import type { Account } from '../../src/domain/account.ts'
import type { Operator } from '../../src/domain/operator.ts'
import type { Policy } from '../../src/domain/policy.ts'
import type { Role } from '../../src/domain/role.ts'
import type { Credential, User } from '../../src/domain/user.ts'
import { NOTHING_SEEN } from '../../src/sessions/seen.ts'

export interface Records {
  readonly operator?: Operator | undefined
  readonly accounts: readonly Account[]
  readonly policies: readonly Policy[]
  readonly users: readonly User[]
  readonly roles?: readonly Role[]
}

/** A directory whose records are all in memory. */
export function directoryOf({ operator, accounts, policies, users, roles = [] }: Records): Directory {
  const holding = (holds: (credential: Credential) => boolean): User | undefined =>
    users.find((user) => user.credentials.some(holds))
  return {
    operator,
    seen: NOTHING_SEEN,
    account: (id) => accounts.find((each) => each.id === id),
    policy: (id) => policies.find((each) => each.id === id),
    role: (id) => roles.find((each) => each.id === id),
    user: (account, id) => users.find((user) => user.account === account && user.id === id),
    userByToken: (hash) => holding((held) => held.kind === 'token' && held.hash === hash),
    userByNkey: (publicKey) => holding((held) => held.kind === 'nkey' && held.publicKey === publicKey),
    usersNamed: (name) => users.filter((user) => user.name === name),
  }
}
