import { accountStatus, type Account } from '../domain/account.ts'
import type { Policy } from '../domain/policy.ts'
import type { Role } from '../domain/role.ts'
import { policyKey, roleKey } from '../domain/state-keys.ts'
import { statusOf, type User } from '../domain/user.ts'
import { policies, roles } from './aggregates.ts'
import type { Scene } from './command.ts'
import type { View } from './transaction.ts'

type Seeing = Pick<Scene, 'tx' | 'now' | 'lastSeen'>

/** Records as callers may see them: names instead of ids, and nothing that helps to log in. */

export async function seenUser({ tx: view, now, lastSeen }: Seeing, user: User) {
  const { id, account, name, metadata, createdAt, lock, expiresAt } = user
  const { active, used } = await lastSeen(account, id)
  return {
    id,
    account,
    name,
    status: statusOf(user, now().getTime()),
    lastActive: active,
    policies: await policyNames(view, user.policies),
    roles: await roleNames(view, user.roles),
    metadata,
    credentials: user.credentials.map(({ id, kind, label, createdAt, expiresAt }) => ({
      id,
      kind,
      label,
      createdAt,
      expiresAt,
      lastUsed: used[id],
    })),
    createdAt,
    lock,
    expiresAt,
  }
}

export async function seenAccount(view: View, account: Account, nowMs: number) {
  const { defaultPolicy, boundaryPolicy, status: _status, signingKeys, ...facts } = account
  const [base] = defaultPolicy === undefined ? [] : await policyNames(view, [defaultPolicy])
  const [boundary] = boundaryPolicy === undefined ? [] : await policyNames(view, [boundaryPolicy])
  return {
    ...facts,
    status: accountStatus(account, nowMs),
    signingKeys: signingKeys.map(({ publicKey, createdAt }) => ({ publicKey, createdAt })),
    defaultPolicy: base,
    boundaryPolicy: boundary,
  }
}

export function seenPolicy({ status: _status, ...policy }: Policy): Omit<Policy, 'status'> {
  return policy
}

export async function seenRole(view: View, { status: _status, policies, roles = [], ...role }: Role) {
  return { ...role, policies: await policyNames(view, policies), roles: await roleNames(view, roles) }
}

/** One that is gone is shown by its id: it is a fault somebody should see. */
async function policyNames(view: View, ids: readonly string[]): Promise<readonly string[]> {
  const loaded = await Promise.all(ids.map((id) => view.load(policies, policyKey(id))))
  return loaded.map((policy, i) => (policy.status === 'present' ? policy.name : (ids[i] ?? '')))
}

async function roleNames(view: View, ids: readonly string[]): Promise<readonly string[]> {
  const loaded = await Promise.all(ids.map((id) => view.load(roles, roleKey(id))))
  return loaded.map((role, i) => (role.status === 'present' ? role.name : (ids[i] ?? '')))
}
