import { review, type Member, type Review } from '../domain/review.ts'
import { GatehouseError } from '../errors.ts'
import { afterSteps, isOfConsequence } from './after-steps.ts'
import type { Drafted } from './apply.ts'
import { censusOf } from './census.ts'
import { isReserved } from './lookup.ts'
import { COUNTED_USERS_MAX } from './session.ts'
import { readUsers, type Service, type Snapshot, type UserRecord } from './snapshot.ts'
import type { Step } from './steps.ts'

/** How many live sessions a change meets, or why nobody can say. */
export type Sessions =
  | {
      readonly known: true
      readonly sessions: number
      /** There may be fewer: too many users to ask for each, so all of their accounts were counted. */
      readonly isAtMost: boolean
    }
  | { readonly known: false; readonly why: string }

/** What comes of a change for whom. */
export interface Consequences extends Review {
  readonly sessions: Sessions
}

/**
 * Who gains and who loses what by the steps of a draft. Users whom no step names are read only where a policy, a role
 * or what applies to everybody changes. Undefined when none of it can change what anybody may do.
 */
export async function consequencesOf(
  service: Service,
  { snapshot, steps }: Pick<Drafted, 'snapshot' | 'steps'>,
): Promise<Consequences | undefined> {
  if (!steps.some(isOfConsequence)) return undefined
  const before = censusOf({ ...snapshot, users: await usersMet(service, snapshot, steps) })
  return withSessions(service, review(before, afterSteps(before, steps)))
}

export async function withSessions(service: Service, reviewed: Review): Promise<Consequences> {
  return { ...reviewed, sessions: await sessionsOf(service, reviewed.affected) }
}

/** Changes what others have whom the step does not name. */
const SHARED: ReadonlySet<string> = new Set([
  'policy.update-permissions',
  'policy.update-limits',
  'role.update',
  'account.set-default-policy',
  'account.set-boundary-policy',
])

async function usersMet(
  service: Service,
  { accounts, users }: Snapshot,
  steps: readonly Step[],
): Promise<Snapshot['users']> {
  const shared = steps.filter(({ name }) => SHARED.has(name))
  const isOfAll = shared.some(({ payload }) => payload['account'] === undefined)
  const names = new Set(shared.map(({ payload }) => payload['account']))
  const met = new Map<string, readonly UserRecord[]>(users)
  for (const account of accounts) {
    if (isReserved(account) || !(isOfAll || names.has(account.name))) continue
    met.set(account.name, await readUsers(service, account.name, 'all'))
  }
  return met
}

async function sessionsOf(service: Service, affected: readonly Member[]): Promise<Sessions> {
  const byAccount = new Map<string, string[]>()
  for (const { account, user } of affected) {
    const names = byAccount.get(account)
    if (names === undefined) byAccount.set(account, [user])
    else names.push(user)
  }
  try {
    let [sessions, isAtMost] = [0, false]
    for (const [account, users] of byAccount) {
      const isMany = users.length > COUNTED_USERS_MAX
      const reply = await service.request('session.count', isMany ? { account } : { account, users })
      sessions += Number(reply['sessions'])
      isAtMost ||= isMany
    }
    return { known: true, sessions, isAtMost }
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    return { known: false, why: error.message }
  }
}
