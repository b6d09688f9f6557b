import { DeliverPolicy, jetstream, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream'
import { deferred, type NatsConnection } from '@nats-io/transport-node'
import { STATE_PREFIX, STATE_STREAM } from './buckets.ts'

export interface WatchOptions {
  /** Of the bucket; by default that of the aggregates. */
  readonly stream?: string
  readonly prefix?: string
  /** Filters over keys of the bucket: `account.*`. */
  readonly keys: readonly string[]
  /** `everything`: what is there now, then every change. `changes`: only what changes from now on, without values. */
  readonly of: 'everything' | 'changes'
}

/** A key that is so now. `value` is undefined when it was deleted, or when the watch is of changes. */
export interface Change {
  readonly key: string
  readonly revision: number
  readonly value: unknown
  readonly isDeleted: boolean
}

/**
 * How long one pull waits. nats.js looks after a silent consumer when two heartbeats, each half of this, are missing;
 * and that is its only way out after a connection that broke off together with its server: the consumer it makes
 * anew then is asked for nothing (3.4.0: `reset` keeps the count of what was asked of the former one). With its
 * default of 30 s a replica went without changes for 45 s.
 */
const PULL_EXPIRES_MS = 2_000

/**
 * Follows keys of the bucket in order and without a gap: an ordered consumer, which nats.js makes anew, at the next
 * sequence, after a lost connection, a missed heartbeat or a gap. Resolves once everything there was has been told.
 */
export async function watch(
  nc: NatsConnection,
  { stream = STATE_STREAM, prefix = STATE_PREFIX, keys, of }: WatchOptions,
  tell: (change: Change) => void,
): Promise<AsyncDisposable> {
  const consumer = await jetstream(nc).consumers.get(stream, {
    filter_subjects: keys.map((key) => `${prefix}${key}`),
    // Not `New`: a consumer that has heard nothing would be made anew at the beginning of the stream.
    deliver_policy: of === 'everything' ? DeliverPolicy.LastPerSubject : DeliverPolicy.Last,
    headers_only: of === 'changes',
  })
  let pending = (await consumer.info(true)).num_pending
  const told = deferred<undefined>()
  if (pending === 0) told.resolve(undefined)
  const messages: ConsumerMessages = await consumer.consume({
    expires: PULL_EXPIRES_MS,
    callback: (message) => {
      tell(changeOf(message, { prefix, of }))
      pending -= 1
      if (pending === 0) told.resolve(undefined)
    },
  })
  await told
  return {
    async [Symbol.asyncDispose]() {
      await messages.close()
    },
  }
}

function changeOf(message: JsMsg, { prefix, of }: { prefix: string; of: WatchOptions['of'] }): Change {
  const deleted = message.headers?.get('KV-Operation') ?? ''
  return {
    key: message.subject.slice(prefix.length),
    revision: message.seq,
    value: deleted !== '' || of === 'changes' ? undefined : message.json(),
    isDeleted: deleted !== '',
  }
}
