import { setTimeout as sleep } from 'node:timers/promises'
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { isSilence } from './silence.ts'

/** Publishes on their way at a time. What comes meanwhile waits, and of each subject the latest alone. */
const IN_FLIGHT_MAX = 256
const ACK_TIMEOUT_MS = 5_000
/** What JetStream refuses, it is offered so often. */
const OFFERS_MAX = 5
/** Between two attempts. */
const RETRY_MS = 500

/** What a subject of a bucket shall hold; `body: undefined` takes it away. */
export interface LatestWrite {
  readonly body: string | undefined
  /** It goes by itself after this long. */
  readonly ttlSeconds?: number | undefined
}

export interface LatestWritesOptions {
  /** Subjects that wait at a time; the one that has waited longest goes. */
  readonly waitingMax: number
  /** Hears of everything that did not get there. */
  readonly onLost: (error: unknown) => void
}

interface PublishAck {
  readonly error?: { readonly description: string }
}

/** The mark of what was taken away is of use to those who watch, and for a while. */
const MARK_SECONDS = 300

/**
 * Writes to a bucket, off the path of whoever has something to write. Many are under way together; of one subject one
 * at a time, so that what was last asked for is what stays. While JetStream is away they wait.
 */
export class LatestWrites implements AsyncDisposable {
  readonly #nc: NatsConnection
  readonly #options: LatestWritesOptions
  readonly #waiting = new Map<string, LatestWrite>()
  readonly #inFlight = new Map<string, Promise<void>>()
  readonly #leaving = new AbortController()
  #isPumping = false

  constructor(nc: NatsConnection, options: LatestWritesOptions) {
    this.#nc = nc
    this.#options = options
  }

  put(subject: string, write: LatestWrite): void {
    this.#waiting.delete(subject)
    this.#waiting.set(subject, write)
    const [oldest] = this.#waiting.size > this.#options.waitingMax ? this.#waiting.keys() : []
    if (oldest !== undefined) {
      this.#waiting.delete(oldest)
      this.#options.onLost(new Error('too many writes wait'))
    }
    if (this.#isPumping) return
    this.#isPumping = true
    setImmediate(() => {
      this.#isPumping = false
      this.#pump()
    })
  }

  /** Whether something of that subject is not stored yet. */
  isUnwritten(subject: string): boolean {
    return this.#waiting.has(subject) || this.#inFlight.has(subject)
  }

  /** Resolves when everything that was put here is written, or lost. */
  async settled(): Promise<void> {
    this.#pump()
    while (this.#inFlight.size > 0) await Promise.race(this.#inFlight.values())
  }

  /** What is not taken at once now is lost. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#leaving.abort()
    return this.settled()
  }

  #pump(): void {
    for (const [subject, write] of this.#waiting) {
      if (this.#inFlight.size >= IN_FLIGHT_MAX) return
      if (this.#inFlight.has(subject)) continue
      this.#waiting.delete(subject)
      const writing = this.#write(subject, write)
        .catch(this.#options.onLost)
        .finally(() => {
          this.#inFlight.delete(subject)
          this.#pump()
        })
      this.#inFlight.set(subject, writing)
    }
  }

  async #write(subject: string, write: LatestWrite): Promise<void> {
    const { signal } = this.#leaving
    for (let offers = 0; !this.#waiting.has(subject);) {
      try {
        await this.#publish(subject, write)
        return
      } catch (error) {
        if (!isSilence(error)) offers += 1
        if (offers === OFFERS_MAX || this.#nc.isClosed() || signal.aborted) throw error
        await sleep(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined)
      }
    }
  }

  async #publish(subject: string, write: LatestWrite): Promise<void> {
    const options = { headers: headersOf(write), timeout: ACK_TIMEOUT_MS }
    const { error } = (await this.#nc.request(subject, write.body ?? '', options)).json<PublishAck>()
    if (error !== undefined) throw new Error(`JetStream refused it: ${error.description}`)
  }
}

function headersOf({ body, ttlSeconds }: LatestWrite): MsgHdrs {
  const head = headers()
  if (body === undefined) {
    head.set('KV-Operation', 'PURGE')
    head.set('Nats-Rollup', 'sub')
  }
  const seconds = body === undefined ? MARK_SECONDS : ttlSeconds
  if (seconds !== undefined) head.set('Nats-TTL', `${seconds}s`)
  return head
}
