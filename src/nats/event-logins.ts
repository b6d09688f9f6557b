import { OPERATOR_EVENTS } from '../admin/aggregates.ts'
import { auditEvent, type Stamp } from '../admin/event.ts'
import type { AuditEvent } from '../admin/transaction.ts'
import type { Admission } from '../callout/callout.ts'
import type { Denial } from '../callout/reason.ts'
import { hashesOf } from '../callout/grant-hash.ts'
import type { Verified } from '../callout/verify.ts'
import { basisOf, readBasis } from '../domain/basis.ts'
import type { Lockout } from '../domain/lockout.ts'

/** Characters kept of a text that anybody may choose, without any credential. */
const CLIENT_TEXT_MAX = 64

/** Somebody was let in. */
export interface Login {
  readonly request: Verified
  readonly admitted: Admission
  /** The decision of the session that was cut off, and goes on with this one. */
  readonly previous: string | undefined
  readonly sample: number | undefined
}

/** Somebody was not. */
export interface FailedLogin {
  readonly request: Verified
  readonly denial: Denial
}

export function loginEvent(
  { request, admitted, previous, sample }: Login,
  count: number,
  stamp: Stamp,
): AuditEvent {
  const { user, account, credential, grant, expiresAt } = admitted
  return auditEvent(
    {
      audience: account.id,
      type: previous === undefined ? 'user.logged_in' : 'user.token_refreshed',
      data: {
        userId: user.id,
        name: user.name,
        accountId: account.id,
        credentialId: credential.id,
        ...clientOf(request),
        ...basisOf(grant, admitted),
        grantHash: hashesOf(grant).grant,
        ...(previous !== undefined && { previousDecisionId: previous }),
        ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt * 1_000).toISOString() }),
        ...(count > 1 && { count }),
      },
      cause: {
        correlationId: decisionOf(request),
        actor: { account: account.id, user: user.name },
        ...(sample !== undefined && { sample }),
      },
    },
    stamp,
  )
}

/** Told in the account of the user that the credential led to; where it led to none, to the operator. */
export function failedLoginEvent({ request, denial }: FailedLogin, count: number, stamp: Stamp): AuditEvent {
  const { reason, detail, named: { user, credential, parts } = {} } = denial
  return auditEvent(
    {
      audience: user?.account ?? OPERATOR_EVENTS,
      type: 'user.login_failed',
      data: {
        ...(user !== undefined && { userId: user.id, name: user.name, accountId: user.account }),
        ...(credential !== undefined && { credentialId: credential.id }),
        reason,
        ...(detail !== undefined && { detail }),
        ...(user !== undefined && parts !== undefined && readBasis({ ...parts, user })),
        ...clientOf(request),
        ...(count > 1 && { count }),
      },
      cause: { correlationId: decisionOf(request) },
    },
    stamp,
  )
}

/** Told in the account of the user. */
export function lockedOutEvent(lockout: Lockout, count: number, stamp: Stamp): AuditEvent {
  const { account, user, name, source, failures, sinceMs, untilMs } = lockout
  return auditEvent(
    {
      audience: account,
      type: 'user.locked_out',
      data: {
        userId: user,
        name,
        accountId: account,
        ...(source !== undefined && { source }),
        failures,
        until: new Date(untilMs).toISOString(),
        seconds: Math.round((untilMs - sinceMs) / 1_000),
        ...(count > 1 && { count }),
      },
      cause: { correlationId: stamp.id },
    },
    stamp,
  )
}

/** The one-time key of the connection names the decision, here and in the log. */
function decisionOf({ claims }: Verified): string {
  return claims.nats.user_nkey
}

/** Never what it offered: of `connect_opts` only what the client says it is. */
function clientOf(request: Verified) {
  const { client_info: client, connect_opts } = request.claims.nats
  const { lang, version } = connect_opts
  return {
    ...agentOf({ host: client.host, name: client.name ?? connect_opts.name, lang, version }),
    decisionId: decisionOf(request),
  }
}

interface Agent {
  readonly host?: string | undefined
  readonly name?: string | undefined
  readonly lang?: string | undefined
  readonly version?: string | undefined
}

/** Where a client came from, and what it says it is: name, library/version. */
export function agentOf({ host, name = '', lang, version }: Agent) {
  const library = [lang, version].filter((text) => text !== undefined && text !== '')
  const userAgent = [name, library.join('/')].filter((text) => text !== '').map(shortened)
  return {
    ...(host !== undefined && { ip: host }),
    ...(userAgent.length > 0 && { userAgent: userAgent.join(' ') }),
  }
}

function shortened(text: string): string {
  return text.slice(0, CLIENT_TEXT_MAX)
}
