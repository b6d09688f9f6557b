import type { Account } from '../domain/account.ts'
import { CAPPED_ENTRIES_MAX, compileGrant, missingValue, type Compiled, type Grant } from '../domain/grant.ts'
import type { Policy } from '../domain/policy.ts'
import type { User } from '../domain/user.ts'
import type { Standing } from './eligible.ts'
import { Denial } from './reason.ts'

/** A grant does not depend on what the user proved itself with. */
type Compilable = Pick<Standing, 'user' | 'account' | 'policies' | 'boundary'>

interface Entry {
  readonly account: Account
  readonly policies: readonly Policy[]
  readonly boundary: Policy | undefined
  readonly compiled: Compiled
}

/** Stored records never change, they are replaced: the same objects mean the same revisions. */
const grants = new WeakMap<User, Entry>()

/** What the user may do. Compiled once for each revision of the user, its account and its policies. */
export function compile({ user, account, policies, boundary }: Compilable): Grant | Denial {
  let entry = grants.get(user)
  if (entry?.account !== account || entry.boundary !== boundary || !sameObjects(entry.policies, policies)) {
    entry = { account, policies, boundary, compiled: compileGrant(user, account, { policies, boundary }) }
    grants.set(user, entry)
  }
  const { compiled } = entry
  if (compiled.ok) return compiled.grant
  return compiled.reason === 'grant_too_large'
    ? new Denial(compiled.reason, `more than ${CAPPED_ENTRIES_MAX} subjects within the boundary`)
    : new Denial(compiled.reason, missingValue(compiled, entry))
}

function sameObjects(left: readonly Policy[], right: readonly Policy[]): boolean {
  return left.length === right.length && left.every((policy, i) => policy === right[i])
}
