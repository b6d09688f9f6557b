import type { Msg, Subscription } from '@nats-io/transport-node'
import type { Incoming } from '../callout/open.ts'
import type { ServiceConnection } from './connection.ts'

/** Where servers ask (ADR-26), and the one queue group of all replicas: each request is answered once. */
export const AUTH_SUBJECT = '$SYS.REQ.USER.AUTH'
export const QUEUE = 'gatehouse'

export interface AuthCalloutOptions {
  /** Requests under way at a time. What comes beyond is dropped at once: a queue would only answer ghosts. */
  readonly concurrencyMax: number
  readonly answer: (incoming: Incoming) => Promise<Uint8Array | undefined>
  readonly onOverload: () => void
  readonly onError: (error: unknown) => void
}

/** The subscription, and the way to end it with every request in hand answered. */
export interface AuthCallout extends AsyncDisposable {
  readonly underWay: number
}

/**
 * Answers authorization requests. nats.js calls back inline with the socket read and drops what a callback returns,
 * so the promise is kept here, with its rejection.
 */
export function serveAuthCallout(connection: ServiceConnection, options: AuthCalloutOptions): AuthCallout {
  const { nc } = connection
  const underWay = new Set<Promise<void>>()

  async function respond(request: Msg): Promise<void> {
    try {
      const serverXkey = request.headers?.get('Nats-Server-Xkey')
      const answer = await options.answer({
        data: request.data,
        serverXkey: serverXkey === '' ? undefined : serverXkey,
      })
      if (answer !== undefined) request.respond(answer)
    } catch (error) {
      options.onError(error)
    }
  }

  const subscription: Subscription = nc.subscribe(AUTH_SUBJECT, {
    queue: QUEUE,
    callback: (error, request) => {
      if (error !== null) {
        options.onError(error)
        return
      }
      if (underWay.size >= options.concurrencyMax) {
        options.onOverload()
        return
      }
      const responding = respond(request).finally(() => underWay.delete(responding))
      underWay.add(responding)
    },
  })

  return {
    get underWay() {
      return underWay.size
    },
    async [Symbol.asyncDispose]() {
      if (connection.isConnected) await subscription.drain()
      await Promise.all(underWay)
      if (connection.isConnected) await nc.flush()
    },
  }
}
