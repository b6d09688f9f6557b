import { createHash } from 'node:crypto'
import { encodeTime } from 'ulid'
import { auditEvent, type Stamp } from '../admin/event.ts'
import type { AuditEvent } from '../admin/transaction.ts'
import type { Departure } from '../sessions/presence.ts'
import { correlationOf, loginOf, NOBODY, sessionId, type Session } from '../sessions/session.ts'
import { agentOf } from './event-logins.ts'

/** A connection is over. */
export interface Logout {
  readonly session: Session
  readonly departure: Departure
  readonly sample: number | undefined
}

export function logoutEvent({ session, departure, sample }: Logout, count: number, stamp: Stamp): AuditEvent {
  const { account, user, name, credential, client, since } = session
  const decision = loginOf(session)
  const { reason, sent, received } = departure
  const at = new Date(departure.at).toISOString()
  return auditEvent(
    {
      audience: account,
      type: 'user.logged_out',
      data: {
        ...(user !== NOBODY && { userId: user }),
        name,
        accountId: account,
        ...(credential !== '' && { credentialId: credential }),
        ...agentOf(client),
        ...(decision !== undefined && { decisionId: decision }),
        since: new Date(since).toISOString(),
        reason,
        durationSeconds: Math.max(0, (Date.parse(at) - Date.parse(since)) / 1_000),
        ...(sent && { sent }),
        ...(received && { received }),
        ...(count > 1 && { count }),
      },
      cause: {
        correlationId: correlationOf(session),
        actor: { account, user: name },
        ...(sample !== undefined && { sample }),
      },
    },
    { ...stamp, at, ...(count === 1 && { id: idOf(session) }) },
  )
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const RANDOM_LENGTH = 16

/** A ULID that every replica comes to by itself: when two tell of one end, the stream drops the second. */
function idOf(session: Session): string {
  const digest = createHash('sha256')
    .update(`user.logged_out ${sessionId(session)}`)
    .digest()
  const letters = Array.from(digest.subarray(0, RANDOM_LENGTH), (byte) => CROCKFORD[byte % CROCKFORD.length])
  return encodeTime(Date.parse(session.since)) + letters.join('')
}
