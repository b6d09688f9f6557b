import { setTimeout as sleep } from 'node:timers/promises'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import type { AuditEvent } from '../admin/transaction.ts'

/** Events that wait for the audit stream; what comes beyond is lost, and said so. About 1 KiB each. */
const QUEUE_MAX = 10_000
const IN_FLIGHT_MAX = 32
const ATTEMPTS = 3
const ACK_TIMEOUT_MS = 5_000
const RETRY_MS = 500

export interface OutboxOptions {
  /** Hears of every event that was lost. */
  readonly onLost: (error: unknown) => void
}

/** What the server answers to a publish. */
interface PublishAck {
  readonly error?: { readonly description: string }
}

/**
 * Events that belong to no commit, on their way to the audit stream: whoever puts one here goes on at once and never
 * hears of a failure. They are published off the path, each until JetStream has it or three attempts have failed; its
 * id keeps a second attempt from being a second event.
 */
export class EventOutbox implements AsyncDisposable {
  readonly #nc: NatsConnection
  readonly #onLost: OutboxOptions['onLost']
  readonly #queue: AuditEvent[] = []
  readonly #inFlight = new Set<Promise<void>>()

  constructor(nc: NatsConnection, { onLost }: OutboxOptions) {
    this.#nc = nc
    this.#onLost = onLost
  }

  put(event: AuditEvent): void {
    if (this.#queue.length >= QUEUE_MAX) this.#onLost(new Error('too many events wait for the audit stream'))
    else this.#queue.push(event)
    setImmediate(() => this.#pump())
  }

  /** Resolves when everything that was put here is in the stream, or lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#pump()
    while (this.#inFlight.size > 0) await Promise.race(this.#inFlight)
  }

  #pump(): void {
    while (this.#inFlight.size < IN_FLIGHT_MAX) {
      const event = this.#queue.shift()
      if (event === undefined) return
      const publishing = this.#publish(event)
        .catch(this.#onLost)
        .finally(() => {
          this.#inFlight.delete(publishing)
          this.#pump()
        })
      this.#inFlight.add(publishing)
    }
  }

  async #publish(event: AuditEvent): Promise<void> {
    const head = headers()
    head.set('Nats-Msg-Id', String(event.metadata['id']))
    const body = JSON.stringify(event)
    for (let attempt = 1; ; attempt += 1) {
      try {
        const reply = await this.#nc.request(event.subject, body, { headers: head, timeout: ACK_TIMEOUT_MS })
        const { error } = reply.json<PublishAck>()
        if (error !== undefined) throw new Error(`the audit stream refused an event: ${error.description}`)
        return
      } catch (error) {
        if (attempt === ATTEMPTS || this.#nc.isClosed()) throw error
        await sleep(RETRY_MS * attempt, undefined, { ref: false })
      }
    }
  }
}
