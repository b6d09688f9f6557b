import {
  connect,
  type Authenticator,
  type ConnectionOptions,
  type NatsConnection,
  type Status,
} from '@nats-io/transport-node'
import type { Signer } from '../keys/signer.ts'

/** Inbox of the service, which its permissions name (jwt/chain.ts). */
export const INBOX_PREFIX = '_INBOX_gatehouse'

export interface ServiceUser {
  readonly jwt: string
  readonly signer: Signer
}

/** Hears of the connection's ups and downs. */
export interface ConnectionObserver {
  connected(server: string): void
  disconnected(): void
  failed(error: unknown): void
}

/** The service's one connection. Leaving its scope drains it while there is somebody to drain to. */
export interface ServiceConnection extends AsyncDisposable {
  readonly nc: NatsConnection
  readonly isConnected: boolean
  /** Calls whenever the connection is there again after an interruption. */
  onReconnect(listener: () => void): void
}

/**
 * Connects as the service user, for good: it comes back after every interruption, and no sequence of errors makes
 * it give up (by default nats.js closes on the second "Authorization Violation" of a lifetime, reference 0.9).
 */
export async function connectService(
  url: string,
  user: ServiceUser,
  observer: ConnectionObserver,
): Promise<ServiceConnection> {
  const nc = await connect(optionsOf(url, user))
  let isConnected = true
  const listeners = new Set<() => void>()
  try {
    observer.connected(nc.getServer())
  } catch (error) {
    await nc.close() // Nobody else has it, so nobody else would.
    throw error
  }
  void (async () => {
    for await (const status of nc.status()) {
      isConnected = told(status, observer) ?? isConnected
      if (status.type === 'reconnect') for (const listener of listeners) listener()
    }
  })()
  return {
    nc,
    get isConnected() {
      return isConnected && !nc.isClosed()
    },
    onReconnect(listener) {
      listeners.add(listener)
    },
    async [Symbol.asyncDispose]() {
      if (nc.isClosed()) return
      await (isConnected ? nc.drain() : nc.close()) // Without a server a drain would wait for ever.
    },
  }
}

/** Passes a change on; says whether there is a connection now, if the change is about that. */
function told(status: Status, observer: ConnectionObserver): boolean | undefined {
  switch (status.type) {
    case 'reconnect':
      observer.connected(status.server)
      return true
    case 'disconnect':
      observer.disconnected()
      return false
    case 'error':
      observer.failed(status.error)
      return undefined
    default:
      return undefined
  }
}

/** Signs the server's nonce as that user. */
export function authenticatorOf(user: ServiceUser): Authenticator {
  return (nonce = '') => ({
    jwt: user.jwt,
    // The JWT's subject says who we are. An `nkey` beside it would cost us the connection at every reload of a
    // server before 2.15 (reference 0.8).
    sig: Buffer.from(user.signer.sign(Buffer.from(nonce))).toString('base64url'),
  })
}

function optionsOf(url: string, user: ServiceUser): ConnectionOptions {
  return {
    servers: url,
    name: 'gatehouse',
    inboxPrefix: INBOX_PREFIX,
    authenticator: authenticatorOf(user),
    ignoreAuthErrorAbort: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: 20_000,
  }
}
