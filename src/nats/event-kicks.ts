import { auditEvent, type Stamp } from '../admin/event.ts'
import type { AuditEvent } from '../admin/transaction.ts'
import type { Cause, Report } from '../sessions/kicking.ts'
import { sessionId, type Session } from '../sessions/session.ts'

/** A session was ended. */
export interface Kick {
  readonly session: Session
  readonly cause: Cause
}

/** What a command came to for sessions. */
export interface Reexamination {
  /** An A… key, or the operator. */
  readonly audience: string
  readonly report: Report
  readonly tookMs: number
  readonly cause: Readonly<Record<string, unknown>>
}

export function kickEvent({ session, cause }: Kick, count: number, stamp: Stamp): AuditEvent {
  const { account, user, name, credential, decision, since, client } = session
  const { reason, detail, actor } = cause
  return auditEvent(
    {
      audience: account,
      type: 'session.kicked',
      data: {
        sessionId: sessionId(session),
        userId: user,
        name,
        accountId: account,
        ...(session.adopted ? {} : { credentialId: credential, decisionId: decision }),
        reason,
        ...(detail !== undefined && { detail }),
        since,
        ...(client.host !== undefined && { ip: client.host }),
        ...(count > 1 && { count }),
      },
      cause: {
        correlationId: cause.correlationId ?? (session.adopted ? sessionId(session) : decision),
        ...(actor !== undefined && { actor }),
      },
    },
    stamp,
  )
}

export function reexaminationEvent(
  { audience, report, tookMs, cause }: Reexamination,
  stamp: Stamp,
): AuditEvent {
  const data = { ...report, tookMs: Math.round(tookMs) }
  return auditEvent({ audience, type: 'session.reexamined', data, cause }, stamp)
}
