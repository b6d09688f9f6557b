import { barring } from '../domain/barred.ts'
import { partsOf } from '../domain/parts.ts'
import { accountKey, policyKey, ROLE_PREFIX, userKey } from '../domain/state-keys.ts'
import type { User } from '../domain/user.ts'
import { allOf } from '../domain/grant.ts'
import type { Session } from '../sessions/session.ts'
import type { Verdict } from '../sessions/verdict.ts'
import { compile } from './compile.ts'
import { fetched, type Directory } from './directory.ts'
import { eligible, type Standing } from './eligible.ts'
import { hashesOf } from './grant-hash.ts'
import { prepare } from './prepare.ts'
import { Denial } from './reason.ts'

export interface Reconsidering {
  readonly directory: Directory
  readonly nowMs: number
  /** The keys of the state that have changed, where it is for a change. */
  readonly changed: ReadonlySet<string>
}

/**
 * What would this session get now? The promise that it was let in with holds when its JWT would say the same, and may
 * last as long as it says. It is asked as the door asks, but for what the client proved itself with: that is known.
 */
export async function reconsider(session: Session, by: Reconsidering): Promise<Verdict> {
  const user = await fetched(by.directory.user(session.account, session.user))
  if (user instanceof Denial) return { is: 'unknown' }
  if (user === undefined) return { is: 'fell', reason: 'unknown_credential', detail: session.name }
  const verdict = session.adopted ? ofAdopted(user, by) : compared(session, user, by)
  return verdict instanceof Denial ? { is: 'fell', reason: verdict.reason, detail: verdict.detail } : verdict
}

function compared(session: Session, user: User, { directory, nowMs }: Reconsidering): Verdict | Denial {
  const credential = user.credentials.find(({ id }) => id === session.credential)
  if (credential === undefined) return new Denial('unknown_credential', session.credential)
  const standing = eligible({ user, credential }, { directory, client: session.client, nowMs })
  return standing instanceof Denial ? standing : promised(session, standing, nowMs)
}

function promised(session: Session, standing: Standing, nowMs: number): Verdict | Denial {
  const grant = compile(standing)
  if (grant instanceof Denial) return grant
  const moment = { nowMs, sinceMs: Date.parse(session.resumed ?? session.since), random: 0 } // The longest that it may be promised.
  const prepared = prepare(standing, grant, { claims: { nats: { user_nkey: session.decision } }, moment })
  if (prepared instanceof Denial) return prepared
  if (hashesOf(grant).permissions !== session.permissionsHash) return { is: 'changed', detail: 'permissions' }
  const endsAt = session.until === undefined ? Infinity : Date.parse(session.until) / 1_000
  if (endsAt > (prepared.exp ?? Infinity)) return { is: 'changed', detail: 'an earlier end' }
  return { is: 'holds', policies: allOf(standing).map(({ id }) => id), roles: standing.user.roles }
}

/** Of what nobody knows is known only that nobody is let in as this user; after a change nothing can be promised. */
function ofAdopted(user: User, { directory, changed, nowMs }: Reconsidering): Verdict | Denial {
  const account = directory.account(user.account)
  if (account === undefined) return new Denial('account_missing', user.account)
  const bar = barring(user, account, nowMs)
  if (bar !== undefined) return new Denial(bar.reason, bar.about)
  const parts = partsOf(user, account, directory)
  if ('missing' in parts) return new Denial(parts.missing, parts.id)
  const policies = allOf(parts).map(({ id }) => id)
  const rests = [userKey(user.account, user.id), accountKey(user.account), ...policies.map(policyKey)]
  const isTouched =
    rests.some((key) => changed.has(key)) ||
    (user.roles.length > 0 && [...changed].some((key) => key.startsWith(ROLE_PREFIX)))
  return isTouched
    ? { is: 'changed', detail: 'it cannot be compared' }
    : { is: 'holds', policies, roles: user.roles }
}
