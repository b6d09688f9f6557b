import type { Account } from '../domain/account.ts'
import { ANY_USER_ID, memberKey, type Census } from '../domain/census.ts'
import { OPERATOR_SCOPE, type Policy } from '../domain/policy.ts'
import type { Role } from '../domain/role.ts'
import type { User } from '../domain/user.ts'
import type { AccountRecord, PolicyRecord, RoleRecord, Snapshot, UserRecord } from './snapshot.ts'

/** A census that is still being taken. Records in it are replaced, never changed. */
export interface Draft extends Census {
  readonly accounts: Map<string, Account>
  readonly policies: Map<string, Policy>
  readonly roles: Map<string, Role>
  readonly users: Map<string, User>
}

/** When something was made says nothing about what it allows. */
const SOME_TIME = ''

/** The state as commands tell it, with the ids of what records name: as far as it was read. */
export function censusOf({ accounts, policies, roles, users }: Snapshot): Draft {
  const draft: Draft = {
    policies: new Map(policies.map((each) => [each.id, policyOf(each)])),
    roles: new Map(),
    accounts: new Map(),
    users: new Map(),
  }
  for (const each of roles) draft.roles.set(each.id, roleOf(each, idsIn(draft.policies, each.scope)))
  resolveRoles(draft)
  for (const each of accounts) draft.accounts.set(each.id, accountOf(each, idsIn(draft.policies, each.id)))
  for (const { id, name } of accounts) {
    const [policyIds, roleIds] = [idsIn(draft.policies, id), idsIn(draft.roles, id)]
    for (const each of users.get(name) ?? []) {
      const user = userOf(id, each, { policies: policyIds, roles: roleIds })
      draft.users.set(memberKey(user), user)
    }
  }
  return draft
}

/** From the names that people write to ids. What leads nowhere stays as it is, and leads nowhere there. */
export type Ids = (names: readonly string[]) => readonly string[]

/** The ids of names in a scope: its own, else everybody's. */
export function idsIn(items: ReadonlyMap<string, Policy | Role>, scope: string): Ids {
  const own = new Map<string, string>()
  for (const each of items.values()) {
    if (each.scope === scope || (each.scope === OPERATOR_SCOPE && !own.has(each.name)))
      own.set(each.name, each.id)
  }
  return (names) => [...new Set(names.map((name) => own.get(name) ?? name))]
}

function policyOf({ revision: _revision, ...policy }: PolicyRecord): Policy {
  return { ...policy, status: 'present', version: 1, createdAt: SOME_TIME }
}

function roleOf({ revision: _revision, ...role }: RoleRecord, ids: Ids): Role {
  return { ...role, status: 'present', policies: ids(role.policies), createdAt: SOME_TIME }
}

/** Roles name each other in any order: once all are there, names become ids. */
export function resolveRoles(draft: Draft): void {
  for (const [id, role] of draft.roles)
    if (role.roles !== undefined)
      draft.roles.set(id, { ...role, roles: idsIn(draft.roles, role.scope)(role.roles) })
}

function accountOf(record: AccountRecord, ids: Ids): Account {
  const { id, name, role, limits, metadata, defaultPolicy, boundaryPolicy } = record
  return accountWith({ id, name, role, limits, metadata }, { defaultPolicy, boundaryPolicy }, ids)
}

/** An account as far as it matters to what its users may do. */
export function accountWith(
  facts: Pick<Account, 'id' | 'name' | 'role' | 'limits' | 'metadata'>,
  { defaultPolicy, boundaryPolicy }: Pick<Account, 'defaultPolicy' | 'boundaryPolicy'>,
  ids: Ids,
): Account {
  return {
    ...facts,
    status: 'present',
    signingKeys: [],
    defaultPolicy: defaultPolicy === undefined ? undefined : ids([defaultPolicy])[0],
    boundaryPolicy: boundaryPolicy === undefined ? undefined : ids([boundaryPolicy])[0],
    createdAt: SOME_TIME,
  }
}

/** A user as far as it matters to what it may do. */
export function userOf(
  account: string,
  { name, policies, roles, metadata }: Pick<UserRecord, 'name' | 'policies' | 'roles' | 'metadata'>,
  ids: { readonly policies: Ids; readonly roles: Ids },
): User {
  return {
    status: 'present',
    id: ANY_USER_ID,
    account,
    name,
    policies: ids.policies(policies),
    roles: ids.roles(roles),
    metadata,
    credentials: [],
    createdAt: SOME_TIME,
  }
}
