import {
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
  type StoredMsg,
} from '@nats-io/jetstream'
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node'
import type { LockoutPage } from '../admin/lockouts.ts'
import { FAMILIAR_MS } from '../callout/familiar-sources.ts'
import type { ThrottleKeeper } from '../callout/throttle.ts'
import { isInForce, type FamiliarSource, type Lockout, type Whose } from '../domain/lockout.ts'
import { GatehouseError } from '../errors.ts'
import { LOCKOUTS_PREFIX, LOCKOUTS_STREAM } from './buckets.ts'
import { readStep } from './direct-step.ts'
import { LatestWrites } from './latest-writes.ts'
import { watch, type Change } from './watch.ts'

const LOCKOUTS = { stream: LOCKOUTS_STREAM, what: 'lockouts' } as const
const ATTEMPTS_MAX = 5
const ACK_TIMEOUT_MS = 5_000
const MESSAGE_NOT_FOUND = 10_037
/** 10071 names the sequence, 10164 does not: the same refusal (reference F). */
const WRONG_LAST_SEQUENCE = new Set([10_071, 10_164])
/** Users whose familiar sources wait to be written, and lockouts that are being written, at a time. */
const WAITING_MAX = 10_000
/** What ends a lockout stays as long as any lockout that a replica may still hold. */
const MARK_SECONDS = 86_400
/** In the place of a source: of all of them. No base64url of a source is one character long. */
const EVERYWHERE = '_'

interface Last {
  readonly stored: Lockout | undefined
  readonly revision: number
}
const NOTHING: Last = { stored: undefined, revision: 0 }

/** Who hears what is stored, from the beginning. */
export interface LockoutListener {
  held(lockout: Lockout): void
  released(user: string, source: string | undefined): void
  familiar(user: string, sources: readonly FamiliarSource[]): void
}

export interface LockoutStoreOptions {
  readonly nowMs: () => number
  /** With every lockout that this replica was the first to store: one that two decide is one. */
  readonly onStored: (lockout: Lockout) => void
  readonly onLost: (error: unknown) => void
}

interface PublishAck {
  readonly error?: { readonly err_code?: number; readonly description: string }
}

/**
 * Lockouts and familiar sources, in a bucket that all replicas watch: `lockout.<A…>.<user>.<source>` and
 * `familiar.<A…>.<user>`. Each goes by itself when its time is over. Nobody waits for what is written here but who ends
 * a lockout.
 */
export class LockoutStore implements ThrottleKeeper, AsyncDisposable {
  readonly #nc: NatsConnection
  readonly #manager: JetStreamManager
  readonly #options: LockoutStoreOptions
  readonly #familiar: LatestWrites
  readonly #storing = new Set<Promise<void>>()
  #watch: AsyncDisposable | undefined

  private constructor(nc: NatsConnection, manager: JetStreamManager, options: LockoutStoreOptions) {
    this.#nc = nc
    this.#manager = manager
    this.#options = options
    this.#familiar = new LatestWrites(nc, { waitingMax: WAITING_MAX, onLost: options.onLost })
  }

  static async open(nc: NatsConnection, options: LockoutStoreOptions): Promise<LockoutStore> {
    return new LockoutStore(nc, await jetstreamManager(nc), options)
  }

  /** Resolves when the listener has heard everything that is stored. */
  async tell(listener: LockoutListener): Promise<void> {
    const everything = {
      stream: LOCKOUTS_STREAM,
      prefix: LOCKOUTS_PREFIX,
      keys: ['>'],
      of: 'everything',
    } as const
    this.#watch = await watch(this.#nc, everything, (change) => told(change, listener))
  }

  lockedOut(lockout: Lockout): void {
    if (this.#storing.size >= WAITING_MAX) {
      this.#options.onLost(new Error('too many lockouts wait to be stored'))
      return
    }
    const storing = this.#store(lockout)
      .catch(this.#options.onLost)
      .finally(() => this.#storing.delete(storing))
    this.#storing.add(storing)
  }

  familiar({ account, user }: Whose, sources: readonly FamiliarSource[]): void {
    const subject = `${LOCKOUTS_PREFIX}familiar.${account}.${user}`
    this.#familiar.put(subject, { body: JSON.stringify(sources), ttlSeconds: FAMILIAR_MS / 1_000 })
  }

  /** A page of what is in force, oldest first. Throws `unavailable`. */
  async page(
    { account = '*', user = '*' }: Partial<Pick<Whose, 'account' | 'user'>>,
    { after, limit }: { readonly after: number; readonly limit: number },
  ): Promise<LockoutPage> {
    const filter = `${LOCKOUTS_PREFIX}lockout.${account}.${user}.*`
    const lockouts: Lockout[] = []
    let [next, isMore] = [after, true]
    while (isMore && lockouts.length < limit) {
      const asked = { seq: next + 1, batch: limit - lockouts.length, next_by_subj: filter }
      const step = await readStep(this.#nc, LOCKOUTS, asked)
      for (const message of step.messages) {
        next = message.seq
        const stored = storedIn(message)
        if (stored !== undefined && isInForce(stored, this.#options.nowMs())) lockouts.push(stored)
      }
      isMore = step.isMore // It may end before it is full, when its bytes are too many.
    }
    return { lockouts, ...(isMore && { next }) }
  }

  /** Ends lockouts of the user: where a source is `undefined`, the one from everywhere. Throws `unavailable`. */
  async release(
    { account, user }: Pick<Whose, 'account' | 'user'>,
    sources: readonly (string | undefined)[],
  ): Promise<void> {
    const head = headers()
    head.set('KV-Operation', 'PURGE')
    head.set('Nats-Rollup', 'sub')
    head.set('Nats-TTL', `${MARK_SECONDS}s`)
    for (const source of sources) {
      const failed = await this.#publish(subjectOf({ account, user, source }), '', head).catch(
        (error: unknown) => error,
      )
      if (failed !== undefined) throw unavailable(failed)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]()
    await Promise.all([...this.#storing, this.#familiar[Symbol.asyncDispose]()])
  }

  /** Unless there is one already: then somebody else decided just so, and told of it. */
  async #store(lockout: Lockout): Promise<void> {
    const subject = subjectOf(lockout)
    const ttlSeconds = Math.max(1, Math.ceil((lockout.untilMs - this.#options.nowMs()) / 1_000))
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { stored, revision } = await this.#last(subject)
        if (stored !== undefined && isInForce(stored, this.#options.nowMs())) return
        const head = headers()
        head.set('Nats-TTL', `${ttlSeconds}s`)
        head.set('Nats-Expected-Last-Subject-Sequence', String(revision))
        const failed = await this.#publish(subject, JSON.stringify(lockout), head)
        if (failed === undefined) {
          this.#options.onStored(lockout)
          return
        }
        if (!WRONG_LAST_SEQUENCE.has(failed.err_code ?? 0)) throw new Error(failed.description)
      } catch (error) {
        if (attempt === ATTEMPTS_MAX || this.#nc.isClosed()) throw error
      }
    }
  }

  async #last(subject: string): Promise<Last> {
    try {
      const last = await this.#manager.streams.getMessage(LOCKOUTS_STREAM, { last_by_subj: subject })
      return last === null ? NOTHING : { stored: storedIn(last), revision: last.seq }
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === MESSAGE_NOT_FOUND) return NOTHING
      throw error
    }
  }

  async #publish(subject: string, body: string, head: MsgHdrs): Promise<PublishAck['error']> {
    const reply = await this.#nc.request(subject, body, { headers: head, timeout: ACK_TIMEOUT_MS })
    return reply.json<PublishAck>().error
  }
}

function subjectOf({ account, user, source }: Pick<Lockout, 'account' | 'user' | 'source'>): string {
  const place = source === undefined ? EVERYWHERE : Buffer.from(source).toString('base64url')
  return `${LOCKOUTS_PREFIX}lockout.${account}.${user}.${place}`
}

/** The lockout, unless the message says that there is none any more. */
function storedIn(message: Pick<StoredMsg, 'header' | 'json'>): Lockout | undefined {
  return message.header.get('KV-Operation') === '' ? message.json<Lockout>() : undefined
}

function told({ key, value }: Change, listener: LockoutListener): void {
  const [kind, , user = '', place = EVERYWHERE] = key.split('.')
  if (kind === 'familiar') {
    if (value !== undefined) listener.familiar(user, value as readonly FamiliarSource[])
  } else if (value !== undefined) {
    listener.held(value as Lockout)
  } else {
    listener.released(user, place === EVERYWHERE ? undefined : Buffer.from(place, 'base64url').toString())
  }
}

function unavailable(cause: unknown): GatehouseError {
  return new GatehouseError('unavailable', 'lockouts cannot be written: JetStream does not answer', { cause })
}
