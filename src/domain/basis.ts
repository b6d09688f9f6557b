import { variablesOf } from './entries.ts'
import { allOf, type Grant, type GrantParts } from './grant.ts'
import type { User } from './user.ts'
import type { Account } from './account.ts'

/** What a grant was made of, so that it can be made again later, when policies and users have changed. */
export interface Basis {
  readonly policies: readonly PolicyAt[]
  /** The metadata that templates asked for. */
  readonly metadata: Readonly<Record<string, string>>
}

/** A policy as it was. */
export interface PolicyAt {
  readonly id: string
  readonly version: number
  readonly via: 'default' | 'user' | 'role' | 'boundary'
}

/** Grants are replaced, never changed: what one was made of is the same for every connection that gets it. */
const known = new WeakMap<Grant, Basis>()

export function basisOf(
  grant: Grant,
  of: GrantParts & { readonly user: User; readonly account: Account },
): Basis {
  let basis = known.get(grant)
  if (basis === undefined) {
    basis = readBasis(of)
    known.set(grant, basis)
  }
  return basis
}

/** The same of what came to no grant. */
export function readBasis({
  user,
  account,
  policies,
  boundary,
}: GrantParts & { readonly user: User; readonly account: Account }): Basis {
  const variables = allOf({ policies, boundary }).flatMap(variablesOf)
  const used = new Set(variables.map((variable) => variable.replace(/^user\.metadata\./, '')))
  return {
    policies: [
      ...policies.map(({ id, version }) => ({ id, version, via: wayOf(id, user, account) })),
      ...(boundary === undefined
        ? []
        : [{ id: boundary.id, version: boundary.version, via: 'boundary' as const }]),
    ],
    metadata: Object.fromEntries(Object.entries(user.metadata).filter(([key]) => used.has(key))),
  }
}

function wayOf(id: string, { policies }: User, { defaultPolicy }: Account): PolicyAt['via'] {
  if (policies.includes(id)) return 'user'
  return id === defaultPolicy ? 'default' : 'role'
}

/** A grant as text: the same text is the same grant, whatever it was made of. */
export function grantText({ policies: _policies, ...grants }: Grant): string {
  return JSON.stringify(grants)
}
