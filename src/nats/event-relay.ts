import { setTimeout as sleep } from 'node:timers/promises'
import { AckPolicy, DeliverPolicy, JetStreamApiError, jetstreamManager } from '@nats-io/jetstream'
import { createInbox, headers, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import { AUDIT_PREFIX, AUDIT_STREAM } from './buckets.ts'
import { INBOX_PREFIX } from './connection.ts'

/** Every replica takes from this one, and what one has in its hands no other gets. */
const CONSUMER = 'relay'
const PULL_SUBJECT = `$JS.API.CONSUMER.MSG.NEXT.${AUDIT_STREAM}.${CONSUMER}`
const BATCH = 256
/** How long a pull waits where nothing happens, and how much later its end is no longer waited for. */
const PULL_MS = 5_000
const GRACE_MS = 1_000
/** What a killed replica had in its hands is handed out again after this long. */
const ACK_WAIT_MS = 5_000
const RETRY_MS = 500
/** It is there, and is not as it should be. */
const CONSUMER_EXISTS = 10_148
const NANOS_PER_MS = 1_000_000

/** A pull that ended because nothing came, or not enough. */
const ENDED = new Set([404, 408])

export interface RelayOptions {
  /** Hears of the first failure of each row of them: while there is no server, one says it all. */
  readonly onError: (error: unknown) => void
}

/**
 * Hands the events of the audit stream on, each published anew with nothing but its id: what comes out of a batch, a
 * source or a time to live has headers that a capturing stream elsewhere would refuse (reference I.2). At least once:
 * acknowledged when they are out; one that comes again has the same `Nats-Msg-Id`.
 */
export class EventRelay implements AsyncDisposable {
  readonly #nc: NatsConnection
  readonly #onError: RelayOptions['onError']
  readonly #leaving = new AbortController()
  readonly #running: Promise<void>

  constructor(nc: NatsConnection, { onError }: RelayOptions) {
    this.#nc = nc
    this.#onError = onError
    this.#running = this.#run()
  }

  /** What is in hand is handed on first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#leaving.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    let isTold = false
    let isReady = false
    while (!this.#isOver()) {
      try {
        if (!isReady) await ensureConsumer(this.#nc)
        isReady = true
        await this.#pull()
        isTold = false
      } catch (error) {
        if (!isTold && !this.#isOver()) this.#onError(error)
        isTold = true
        isReady = false // Perhaps somebody deleted it.
        await sleep(RETRY_MS, undefined, { signal: this.#leaving.signal }).catch(() => undefined)
      }
    }
  }

  #isOver(): boolean {
    return this.#leaving.signal.aborted || this.#nc.isClosed()
  }

  /** One pull, by hand: the one of nats.js 3.4 does not always end when its server does. */
  async #pull(): Promise<void> {
    const { signal } = this.#leaving
    const inbox = createInbox(INBOX_PREFIX)
    const messages = this.#nc.subscribe(inbox)
    const end = (): void => messages.unsubscribe()
    const patience = setTimeout(end, PULL_MS + GRACE_MS)
    signal.addEventListener('abort', end)
    try {
      const wanted = { batch: BATCH, expires: PULL_MS * NANOS_PER_MS }
      this.#nc.publish(PULL_SUBJECT, JSON.stringify(wanted), { reply: inbox })
      let left = BATCH
      let hand: Msg[] = []
      for await (const message of messages) {
        const isOver = isEnd(message)
        if (!isOver) {
          hand.push(message)
          left -= 1
        }
        if (!isOver && left > 0 && messages.getPending() > 0) continue
        await this.#handOn(hand)
        hand = []
        if (isOver || left === 0) return
      }
    } finally {
      clearTimeout(patience)
      signal.removeEventListener('abort', end)
      if (!this.#nc.isClosed()) end()
    }
  }

  /** In the order of the stream, and acknowledged only when the server has them all. */
  async #handOn(messages: readonly Msg[]): Promise<void> {
    if (messages.length === 0) return
    for (const { subject, data } of messages) {
      const told = subject.slice(AUDIT_PREFIX.length)
      const head = headOf(data)
      this.#nc.publish(`auth.audit.${told}`, data, head)
      this.#nc.publish(`auth.feed.${told}`, data, head)
    }
    await this.#nc.flush()
    for (const message of messages) message.respond('+ACK')
  }
}

/** Delivers everything, from the first event on, and comes to no end: nothing is given up. */
async function ensureConsumer(nc: NatsConnection): Promise<void> {
  const { consumers } = await jetstreamManager(nc)
  const changeable = {
    description: 'Gatehouse: hands events on to accounts',
    ack_wait: ACK_WAIT_MS * NANOS_PER_MS,
    max_ack_pending: 4 * BATCH,
    max_deliver: -1,
  }
  const fixed = {
    durable_name: CONSUMER,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
  }
  try {
    await consumers.add(AUDIT_STREAM, { ...fixed, ...changeable })
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== CONSUMER_EXISTS) throw error
    await consumers.update(AUDIT_STREAM, CONSUMER, changeable)
  }
}

/** A status instead of a message. Throws for one that says more than that the pull is over. */
function isEnd(message: Msg): boolean {
  const code = message.headers?.code ?? 0
  if (code === 0) return false
  if (ENDED.has(code)) return true
  throw new Error(`the audit stream cannot be read: ${code} ${message.headers?.description ?? ''}`)
}

/** Nothing but the id, so that whoever captures the events can tell a repetition. */
function headOf(data: Uint8Array): { readonly headers?: MsgHdrs } {
  const id = idOf(data)
  if (id === undefined) return {}
  const head = headers()
  head.set('Nats-Msg-Id', id)
  return { headers: head }
}

function idOf(data: Uint8Array): string | undefined {
  try {
    const { metadata } = JSON.parse(Buffer.from(data).toString()) as {
      readonly metadata?: { readonly id?: unknown }
    }
    return typeof metadata?.id === 'string' ? metadata.id : undefined
  } catch {
    return undefined // Not one of ours; it is told all the same.
  }
}
