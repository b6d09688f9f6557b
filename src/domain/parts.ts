import type { Account } from './account.ts'
import type { GrantParts } from './grant.ts'
import { OPERATOR_SCOPE, type Policy } from './policy.ts'
import type { Role } from './role.ts'
import type { User } from './user.ts'

/** Where the records are that a user's ids lead to. */
export interface Records {
  policy(id: string): Policy | undefined
  role(id: string): Role | undefined
}

/** An id that leads nowhere. What it led to may have denied something, so nothing holds. */
export interface Missing {
  readonly missing: 'policy_missing' | 'role_missing'
  readonly id: string
}

/**
 * What a grant is made of: the account's default policy, the user's own and those of its roles and of the roles within
 * them, and the boundary.
 */
export function partsOf(user: User, account: Account, records: Records): GrantParts | Missing {
  const { defaultPolicy, boundaryPolicy } = account
  const ids = new Set(defaultPolicy === undefined ? user.policies : [defaultPolicy, ...user.policies])
  const roles = new Set(user.roles) // Grows while it is walked. Each role is in it once, so that comes to an end.
  for (const id of roles) {
    const role = records.role(id)
    if (role === undefined || !isUsable(role, account)) return { missing: 'role_missing', id }
    for (const policy of role.policies) ids.add(policy)
    for (const inner of role.roles ?? []) roles.add(inner)
  }
  const policies: Policy[] = []
  for (const id of ids) {
    const policy = records.policy(id)
    if (policy === undefined || !isUsable(policy, account)) return { missing: 'policy_missing', id }
    policies.push(policy)
  }
  if (boundaryPolicy === undefined) return { policies }
  const boundary = records.policy(boundaryPolicy)
  if (boundary === undefined || !isUsable(boundary, account))
    return { missing: 'policy_missing', id: boundaryPolicy }
  return { policies, boundary }
}

/** An account's own policy or role means nothing in another, whoever assigned it. */
function isUsable({ scope }: Policy | Role, { id }: Account): boolean {
  return scope === OPERATOR_SCOPE || scope === id
}
