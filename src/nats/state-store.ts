import { JetStreamApiError, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { headers, nuid, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import type { Page, StateStore, Stored, Write } from '../admin/state-store.ts'
import { GatehouseError, RevisionConflict } from '../errors.ts'
import { BucketPages, storedIn } from './bucket-pages.ts'
import { STATE_PREFIX, STATE_STREAM } from './buckets.ts'

/** 10071 names the sequence, 10164 does not: the same refusal (reference F). */
const WRONG_LAST_SEQUENCE = new Set([10_071, 10_164])
const STATE = { stream: STATE_STREAM, prefix: STATE_PREFIX, what: 'state' } as const
const MESSAGE_NOT_FOUND = 10_037
const COMMIT_TIMEOUT_MS = 5_000
/** More than the headers of a write take; they count towards the server's `max_payload`. */
const HEADER_BYTES_MAX = 1_024
/**
 * A stream takes so many batches at a time (50 by default). 10210 refuses the first message of one more, 10176 the
 * last one, whose first was refused.
 */
const TOO_MANY_BATCHES = new Set([10_176, 10_210])

/** What the server answers to a publish, ADR-50 for batches. */
interface PublishAck {
  readonly error?: { readonly code: number; readonly err_code?: number; readonly description: string }
  readonly seq?: number
}

/** Aggregates in the bucket. Reads ask the leader, so a command sees what the last one wrote. */
export class KvStateStore implements StateStore {
  readonly #nc: NatsConnection
  readonly #manager: JetStreamManager
  readonly #pages: BucketPages

  private constructor(nc: NatsConnection, manager: JetStreamManager) {
    this.#nc = nc
    this.#manager = manager
    this.#pages = new BucketPages(nc, STATE)
  }

  static async open(nc: NatsConnection): Promise<KvStateStore> {
    return new KvStateStore(nc, await jetstreamManager(nc))
  }

  async get(key: string): Promise<Stored> {
    refuseFilter(key)
    try {
      const message = await this.#manager.streams.getMessage(STATE_STREAM, {
        last_by_subj: `${STATE_PREFIX}${key}`,
      })
      return message === null ? { key, value: undefined, revision: 0 } : storedFrom(message)
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === MESSAGE_NOT_FOUND)
        return { key, value: undefined, revision: 0 }
      throw new GatehouseError('unavailable', 'the state cannot be read: JetStream does not answer', {
        cause: error,
      })
    }
  }

  page(filter: string, from: { readonly after: number; readonly limit: number }): Promise<Page> {
    return this.#pages.page(filter, from)
  }

  /**
   * One atomic batch (ADR-50, reference I.2). Published by hand, because `Batch.commit()` of nats.js 3.4 hides
   * which refusal it met; without waiting for the first acknowledgement, it costs one round trip.
   */
  async commit(writes: readonly Write[]): Promise<ReadonlyMap<string, number>> {
    for (const { key, expected } of writes) {
      refuseFilter(key)
      if (typeof expected === 'object') refuseNoFilter(expected.filter)
    }
    const batch = nuid.next()
    const last = writes.length - 1
    const messages = writes.map((write, index) => messageOf(write, { batch, index, last }))
    this.#refuseTooLarge(messages)
    for (const { subject, body, head } of messages.slice(0, last)) {
      this.#nc.publish(subject, body, { headers: head })
    }
    const { subject, body, head } = messages[last] as BatchMessage
    const reply = await this.#request(subject, body, head)
    const { error, seq = 0 } = reply.json<PublishAck>()
    if (error === undefined) return new Map(writes.map(({ key }, index) => [key, seq - last + index]))
    if (WRONG_LAST_SEQUENCE.has(error.err_code ?? 0))
      throw new RevisionConflict('somebody else changed it first')
    if (TOO_MANY_BATCHES.has(error.err_code ?? 0))
      throw new GatehouseError('busy', 'too many commands at once: try again')
    throw new GatehouseError('unavailable', `the state cannot be written: ${error.description}`)
  }

  /** Before anything is sent: a batch must not end in its middle. */
  #refuseTooLarge(messages: readonly BatchMessage[]): void {
    const max = (this.#nc.info?.max_payload ?? Infinity) - HEADER_BYTES_MAX
    if (messages.every(({ body }) => Buffer.byteLength(body) <= max)) return
    throw new GatehouseError('invalid_request', `too much for one record: at most ${max} bytes of JSON`)
  }

  async #request(subject: string, body: string, head: MsgHdrs): Promise<Msg> {
    try {
      return await this.#nc.request(subject, body, { headers: head, timeout: COMMIT_TIMEOUT_MS })
    } catch (cause) {
      throw new GatehouseError('unavailable', 'the state cannot be written: JetStream does not answer', {
        cause,
      })
    }
  }
}

/** ADR-8. A wildcard in a key would read what somebody else stored, and write where nobody looks. */
const KEY = /^[-/=\w]+(?:\.[-/=\w]+)*$/

function refuseFilter(key: string): void {
  if (KEY.test(key)) return
  throw new GatehouseError('invalid_request', 'a key must be tokens of letters, digits, _, -, / or =')
}

const FILTER = /^(?:[-/=\w]+|\*)(?:\.(?:[-/=\w]+|\*))*(?:\.>)?$/

function refuseNoFilter(filter: string): void {
  if (FILTER.test(filter)) return
  throw new GatehouseError(
    'invalid_request',
    'a filter must be a key with * for a token, or > for the last ones',
  )
}

interface BatchMessage {
  readonly subject: string
  readonly body: string
  readonly head: MsgHdrs
}

function messageOf(
  { key, value, expected, ttlSeconds }: Write,
  { batch, index, last }: { readonly batch: string; readonly index: number; readonly last: number },
): BatchMessage {
  const head = headers()
  head.set('Nats-Batch-Id', batch)
  head.set('Nats-Batch-Sequence', String(index + 1))
  const { revision, filter } = typeof expected === 'object' ? expected : { revision: expected }
  head.set('Nats-Expected-Last-Subject-Sequence', String(revision))
  if (filter !== undefined) {
    head.set('Nats-Expected-Last-Subject-Sequence-Subject', `${STATE_PREFIX}${filter}`)
  }
  if (value === undefined) head.set('KV-Operation', 'DEL')
  if (ttlSeconds !== undefined) head.set('Nats-TTL', `${ttlSeconds}s`)
  if (index === last) head.set('Nats-Batch-Commit', '1')
  return { subject: `${STATE_PREFIX}${key}`, body: value === undefined ? '' : JSON.stringify(value), head }
}

/** A message of the bucket as a key with its value. A delete or purge marker leaves the revision. */
export function storedFrom(message: Parameters<typeof storedIn>[1]): Stored {
  return storedIn(STATE_PREFIX, message)
}
