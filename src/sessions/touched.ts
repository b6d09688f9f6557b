import { accountKey, ACCOUNT_PREFIX, POLICY_PREFIX, ROLE_PREFIX, USER_PREFIX } from '../domain/state-keys.ts'
import type { OpenSessions } from './open-sessions.ts'
import type { Session } from './session.ts'

/** What the grant of a session rests on. */
export interface Rests {
  /** Ids of policies. */
  readonly policies: readonly string[]
  /** Ids of the user's roles. */
  readonly roles: readonly string[]
}

/**
 * The sessions that a change of this key may touch. `restsOf` says what one rests on where that is no longer what it
 * began with: its user may have been given a policy meanwhile that gave it nothing new.
 */
export function touchedBy(
  key: string,
  sessions: Pick<OpenSessions, 'ofUser' | typeof Symbol.iterator>,
  restsOf: (session: Session) => Rests | undefined,
): readonly Session[] {
  const id = key.slice(key.lastIndexOf('.') + 1)
  if (key.startsWith(USER_PREFIX))
    return sessions.ofUser(id).filter(({ account }) => key === `${USER_PREFIX}${account}.${id}`)
  if (key.startsWith(ACCOUNT_PREFIX))
    return [...sessions].filter(({ account }) => key === accountKey(account))
  if (key.startsWith(POLICY_PREFIX)) {
    const restsOnIt = (session: Session): boolean =>
      restsOf(session)?.policies.includes(id) ?? session.policies.some((policy) => policy.id === id)
    return [...sessions].filter((session) => session.adopted === true || restsOnIt(session))
  }
  if (!key.startsWith(ROLE_PREFIX)) return []
  return [...sessions].filter(
    (session) => session.adopted === true || (restsOf(session) ?? session).roles.length > 0,
  )
}
