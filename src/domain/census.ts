import type { Account } from './account.ts'
import { variablesOf } from './entries.ts'
import { allOf, compileGrant, type Compiled, type Grant, type GrantParts } from './grant.ts'
import { partsOf } from './parts.ts'
import type { Policy } from './policy.ts'
import type { Role } from './role.ts'
import { expand, hasValue, type TemplateFacts } from './template.ts'
import type { User } from './user.ts'

/** Everybody there is, and what they have, at one moment: as it is stored, declared, or would be. By id. */
export interface Census {
  readonly accounts: ReadonlyMap<string, Account>
  readonly policies: ReadonlyMap<string, Policy>
  readonly roles: ReadonlyMap<string, Role>
  /** By `memberKey`. */
  readonly users: ReadonlyMap<string, User>
}

/**
 * The id of every user of a census: it stands for itself in subjects, so that users who differ in nothing else are
 * found to have the same. No generated id looks like it.
 */
export const ANY_USER_ID = 'USER_ID'

/** The id of every account of a census, in subjects: one that is yet to be made has none, and nobody knows them by heart. */
export const ANY_ACCOUNT_ID = 'ACCOUNT_ID'

/** Users are the same before and after when account and name are. */
export function memberKey({ account, name }: Pick<User, 'account' | 'name'>): string {
  return `${account} ${name}`
}

/** What one user has, or why that is nothing. Users with the same share one value. */
export type Holding =
  | {
      readonly ok: true
      readonly grant: Grant
      readonly parts: GrantParts
      /** With what templates were filled in: whoever shares it has the same values. */
      readonly facts: TemplateFacts
    }
  | { readonly ok: false; readonly why: string; readonly parts?: GrantParts }

/** Compiles once for all users who have the same policies, and the same values where a template asks for them. */
export function holdings(census: Census): (user: User) => Holding {
  const known = new Map<string, Holding>()
  const records = {
    policy: (id: string) => census.policies.get(id),
    role: (id: string) => census.roles.get(id),
  }
  return (user) => {
    const account = census.accounts.get(user.account)
    if (account === undefined) return { ok: false, why: 'its account is not there' }
    const parts = partsOf(user, account, records)
    if ('missing' in parts) return { ok: false, why: `it has ${parts.id}, which is not there` }
    const key = keyOf(user, account, parts)
    let found = known.get(key)
    if (found === undefined) {
      const facts = { user, account: { ...account, id: ANY_ACCOUNT_ID } }
      found = holding(compileGrant(facts.user, facts.account, parts), { facts, parts })
      known.set(key, found)
    }
    return found
  }
}

interface Held {
  readonly facts: TemplateFacts
  readonly parts: GrantParts
}

function holding(compiled: Compiled, { facts, parts }: Held): Holding {
  if (compiled.ok) return { ok: true, grant: compiled.grant, parts, facts }
  if (compiled.reason === 'grant_too_large') return { ok: false, why: 'its grant is too large', parts }
  const policy = allOf(parts).find(({ id }) => id === compiled.policy)
  const unfit = hasValue(compiled.variable, facts) ? ', whose value is not one token' : ''
  const why = `policy "${policy?.name ?? compiled.policy}" asks for {{${compiled.variable}}}${unfit}`
  return { ok: false, why, parts }
}

function keyOf(user: User, account: Account, parts: GrantParts): string {
  const { policies, boundary } = parts
  const variables = new Set(allOf(parts).flatMap(variablesOf))
  const values = [...variables].map((variable) => {
    const value = expand(`{{${variable}}}`, { user, account })
    return value.ok ? value.subject : hasValue(variable, { user, account })
  })
  return JSON.stringify([account.id, boundary?.id, policies.map(({ id }) => id), values])
}
