import { basisOf } from '../domain/basis.ts'
import type { Session, SessionClient } from '../sessions/session.ts'
import type { Admission } from './callout.ts'
import { hashesOf } from './grant-hash.ts'
import type { Verified } from './verify.ts'

/** Characters kept of a text that anybody may choose. */
const CLIENT_TEXT_MAX = 64

/** The session that an admission begins. */
export function sessionOf(request: Verified, admitted: Admission, nowMs: number): Session {
  const { user, account, credential, grant, expiresAt, seen } = admitted
  const { nats } = request.claims
  const { client_info: client, server_id: server } = nats
  const { grant: grantHash, permissions: permissionsHash } = hashesOf(grant)
  return {
    server: server.id,
    cid: client.id ?? 0,
    account: account.id,
    user: user.id,
    name: user.name,
    credential: credential.id,
    decision: nats.user_nkey,
    grantHash,
    permissionsHash,
    policies: basisOf(grant, admitted).policies,
    roles: user.roles,
    client: clientOf(request),
    since: new Date(nowMs).toISOString(),
    ...(expiresAt !== undefined && { until: new Date(expiresAt * 1_000).toISOString() }),
    seen,
  }
}

/** Of the client, what is told of its session. */
export function clientOf({ claims: { nats } }: Verified): SessionClient {
  const { client_info: client, connect_opts: sent } = nats
  return {
    host: client.host,
    kind: client.kind,
    type: client.type,
    mqtt_id: shortened(client.mqtt_id),
    name: shortened(client.name ?? sent.name),
    lang: shortened(sent.lang),
    version: shortened(sent.version),
  }
}

function shortened(text: string | undefined): string | undefined {
  return text?.slice(0, CLIENT_TEXT_MAX)
}
