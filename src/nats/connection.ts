import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node'
import type { Signer } from '../keys/signer.ts'

/** Inbox of the service, which its permissions name (jwt/chain.ts). */
const INBOX_PREFIX = '_INBOX_gatehouse'

export interface ServiceUser {
  readonly jwt: string
  readonly signer: Signer
}

/**
 * Connects as the service user, for good: it comes back after every interruption, and no sequence of errors makes
 * it give up (by default nats.js closes on the second "Authorization Violation" of a lifetime, reference 0.9).
 */
export function connectService(url: string, user: ServiceUser): Promise<NatsConnection> {
  const options: ConnectionOptions = {
    servers: url,
    name: 'gatehouse',
    inboxPrefix: INBOX_PREFIX,
    authenticator: (nonce = '') => ({
      jwt: user.jwt,
      // The JWT's subject says who we are. An `nkey` beside it would cost us the connection at every reload of a
      // server before 2.15 (reference 0.8).
      sig: Buffer.from(user.signer.sign(Buffer.from(nonce))).toString('base64url'),
    }),
    ignoreAuthErrorAbort: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: 20_000,
  }
  return connect(options)
}
