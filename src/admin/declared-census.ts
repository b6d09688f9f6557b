import type { Account } from '../domain/account.ts'
import { memberKey } from '../domain/census.ts'
import { OPERATOR_SCOPE, type Policy } from '../domain/policy.ts'
import { DEFAULT_POLICY } from './account.ts'
import { accountWith, idsIn, resolveRoles, userOf, type Draft } from './census.ts'
import type { AccountDocument, PolicyDocument } from './document-schemas.ts'
import type { Documents } from './documents.ts'
import { FOUNDED_NAMES } from './found.ts'

/** What an account has for an id before anybody made keys for it: its name, as one token. */
function accountIdOf(name: string): string {
  return name.replaceAll('.', ':')
}

function scopeOf(account: string | undefined): string {
  return account === undefined ? OPERATOR_SCOPE : accountIdOf(account)
}

/** The id of a policy or a role that is declared: no name has a slash. */
export function declaredId({
  name,
  account,
}: {
  readonly name: string
  readonly account?: string | undefined
}): string {
  return account === undefined ? name : `${account}/${name}`
}

/** What documents declare, as if a system had been founded on them alone. Expects them to fit together. */
export function declaredCensus({ accounts, policies, roles }: Documents): Draft {
  const draft: Draft = { accounts: new Map(), policies: new Map(), roles: new Map(), users: new Map() }
  for (const { content } of policies) draft.policies.set(declaredId(content), declaredPolicy(content))
  for (const { content } of roles) {
    const { kind: _kind, account, policies: names, ...facts } = content
    const [id, scope] = [declaredId(content), scopeOf(account)]
    const ids = idsIn(draft.policies, scope)(names)
    draft.roles.set(id, { ...facts, status: 'present', id, scope, policies: ids, createdAt: '' })
  }
  resolveRoles(draft)
  for (const { content } of accounts) {
    const account = declaredAccount(content, draft)
    draft.accounts.set(account.id, account)
    const ids = { policies: idsIn(draft.policies, account.id), roles: idsIn(draft.roles, account.id) }
    for (const each of content.users) {
      const user = userOf(account.id, each, ids)
      draft.users.set(memberKey(user), user)
    }
  }
  return draft
}

export function declaredPolicy(document: PolicyDocument): Policy {
  const { kind: _kind, name, account, description, limits, delegable, ...permissions } = document
  return {
    status: 'present',
    id: declaredId(document),
    name,
    scope: scopeOf(account),
    description,
    version: 1,
    permissions,
    limits,
    delegable,
    createdAt: '',
  }
}

/** The account of a name: what is silent about a default has `base`, as everywhere. */
export function declaredAccount(
  document: Pick<AccountDocument, 'name' | 'defaultPolicy' | 'boundaryPolicy'>,
  { policies }: Pick<Draft, 'policies'>,
): Account {
  const { name, defaultPolicy = DEFAULT_POLICY, boundaryPolicy } = document
  const id = accountIdOf(name)
  const role = name === FOUNDED_NAMES.admin ? 'admin' : 'tenant'
  const named = { defaultPolicy: defaultPolicy ?? undefined, boundaryPolicy }
  return accountWith({ id, name, role, limits: {}, metadata: {} }, named, idsIn(policies, id))
}
