import type { Account } from '../domain/account.ts'
import { CAPPED_ENTRIES_MAX, compileGrant, type Grant, type GrantParts } from '../domain/grant.ts'
import { partsOf } from '../domain/parts.ts'
import type { Policy } from '../domain/policy.ts'
import type { Role } from '../domain/role.ts'
import { policyKey, roleKey } from '../domain/state-keys.ts'
import type { User } from '../domain/user.ts'
import { GatehouseError } from '../errors.ts'
import { policies, roles } from './aggregates.ts'
import type { View } from './transaction.ts'

/** What a user would be granted now, and of what. */
export interface Compilation {
  readonly parts: GrantParts
  readonly grant: Grant
}

/** By what is stored. Throws `policy_missing`, `template_value_missing` and `grant_too_large` where the door would deny for that. */
export async function compiled(view: View, user: User, account: Account): Promise<Compilation> {
  const parts = partsOf(user, account, await recordsOf(view, user, account))
  if ('missing' in parts)
    throw new GatehouseError(
      'policy_missing',
      `user "${user.name}" has ${parts.id}, which is not there any more`,
    )
  return { parts, grant: grantOfParts(user, account, parts) }
}

/** Throws `template_value_missing` and `grant_too_large`. */
export function grantOfParts(user: User, account: Account, parts: GrantParts): Grant {
  const compilation = compileGrant(user, account, parts)
  if (compilation.ok) return compilation.grant
  if (compilation.reason === 'grant_too_large') {
    const most = `${CAPPED_ENTRIES_MAX} subjects within the boundary of account "${account.name}"`
    throw new GatehouseError(compilation.reason, `user "${user.name}" has more than ${most}`)
  }
  const what = `user "${user.name}" has no ${compilation.variable}, which a policy asks for`
  throw new GatehouseError('template_value_missing', what)
}

/** The roles of these ids, and all that are within them, by id. Those that are gone are left out. */
export async function rolesWithin(view: View, ids: readonly string[]): Promise<ReadonlyMap<string, Role>> {
  const found = new Map<string, Role>()
  const walked = new Set(ids) // Grows while it is walked.
  for (const id of walked) {
    const role = await view.load(roles, roleKey(id))
    if (role.status === 'absent') continue
    found.set(id, role)
    for (const inner of role.roles ?? []) walked.add(inner)
  }
  return found
}

/** The policies and roles that a user's ids lead to, as they are stored. */
export async function recordsOf(view: View, user: User, account: Account) {
  const found = {
    policies: new Map<string, Policy>(),
    roles: await rolesWithin(view, user.roles),
  }
  const ofRoles = [...found.roles.values()].flatMap((role) => role.policies)
  const named = [account.defaultPolicy, account.boundaryPolicy, ...user.policies, ...ofRoles]
  for (const id of new Set(named.filter((id) => id !== undefined))) {
    const policy = await view.load(policies, policyKey(id))
    if (policy.status === 'present') found.policies.set(id, policy)
  }
  return {
    policy: (id: string) => found.policies.get(id),
    role: (id: string) => found.roles.get(id),
  }
}
