import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { Interning } from '../sessions/interning.ts'
import { Ledger, type EndListener } from '../sessions/ledger.ts'
import type { OpenSessions } from '../sessions/open-sessions.ts'
import { sessionId, sessionKey, type Session, type SessionId } from '../sessions/session.ts'
import { SESSIONS_PREFIX, SESSIONS_STREAM } from './buckets.ts'
import { LatestWrites } from './latest-writes.ts'
import { watch, type Change } from './watch.ts'

/** Sessions that wait to be written; what comes beyond is found by asking the servers. About 1 KiB each. */
const WAITING_MAX = 100_000
/** A server ends a connection when its JWT does. What nobody has taken away goes by itself, so long after. */
const AFTERWARDS_SECONDS = 3_600
/** Nats-TTL takes no more than this: about 68 years. */
const TTL_SECONDS_MAX = 2_147_483_647

export interface SessionLedgerOptions {
  /** Is it for this replica to see to? */
  readonly owns: (id: SessionId) => boolean
  /** Makes the bucket if it is not there. */
  readonly keepBucket: () => Promise<void>
  readonly nowMs: () => number
  readonly onLost: (error: unknown) => void
}

/** Who is connected, to any server, let in by any replica: in memory here, in a bucket for all of them. */
export class SessionLedger implements AsyncDisposable {
  readonly ledger: Ledger
  readonly #nc: NatsConnection
  readonly #manager: JetStreamManager
  readonly #options: SessionLedgerOptions
  readonly #writes: LatestWrites
  readonly #interning = new Interning()
  #watch: AsyncDisposable | undefined
  /** When the bucket was made that the watch is of, and what was last told of it. */
  #made = ''
  #revision = 0

  private constructor(nc: NatsConnection, manager: JetStreamManager, options: SessionLedgerOptions) {
    const { owns, nowMs, onLost } = options
    this.#nc = nc
    this.#manager = manager
    this.#options = options
    this.#writes = new LatestWrites(nc, { waitingMax: WAITING_MAX, onLost })
    const shelf = {
      put: (session: Session) => this.#put(session),
      remove: (session: Session) => this.#writes.put(subjectOf(session), { body: undefined }),
    }
    this.ledger = new Ledger({ shelf, owns, nowMs })
  }

  /** Resolves when it knows every session that is stored. */
  static async open(nc: NatsConnection, options: SessionLedgerOptions): Promise<SessionLedger> {
    const ledger = new SessionLedger(nc, await jetstreamManager(nc), options)
    await ledger.follow()
    return ledger
  }

  get open(): OpenSessions {
    return this.ledger.open
  }

  /** Calls with every session that is new here, whichever replica let it in. */
  onSession(listener: (session: Session) => void): void {
    this.ledger.onSession(listener)
  }

  /** Calls with every session that is over, on every replica. */
  onEnd(listener: EndListener): void {
    this.ledger.onEnd(listener)
  }

  /** Known here at once, to the other replicas soon. */
  record(session: Session): void {
    this.ledger.record(this.#interning.of(session))
  }

  /** It is over: here at once, for the others soon. How it went its server tells in a moment. */
  end(id: SessionId, reason?: string): Session | undefined {
    return this.ledger.end(id, reason)
  }

  /**
   * Reads the bucket from its beginning, and follows it from there: after an interruption marks may have gone by, and
   * the bucket itself, which is in memory, when its servers ended. One that is new gets what this replica knows.
   */
  async follow(): Promise<void> {
    const { made, isNew } = await this.#bucket()
    const before = [...this.open].filter((session) => !this.#writes.isUnwritten(subjectOf(session)))
    const told = new Set<SessionId>()
    let when: 'start' | 'now' = 'start'
    const everything = {
      stream: SESSIONS_STREAM,
      prefix: SESSIONS_PREFIX,
      keys: ['>'],
      of: 'everything',
    } as const
    const followed = await watch(this.#nc, everything, (change) => {
      if (when === 'start') told.add(idOf(change))
      this.#take(change, when)
    })
    when = 'now'
    const former = this.#watch
    this.#watch = followed
    this.#made = made
    await former?.[Symbol.asyncDispose]()
    for (const session of before.filter((each) => !told.has(sessionId(each)))) {
      if (!isNew) this.ledger.lost(sessionId(session))
      else if (this.#options.owns(sessionId(session))) this.#put(session)
    }
  }

  /** The same, if the bucket is another one than it was. */
  async followNew(): Promise<void> {
    if ((await this.#bucket()).isNew) await this.follow()
  }

  /** Resolves when everything that was recorded here is stored, or lost. */
  settled(): Promise<void> {
    return this.#writes.settled()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]()
    await this.#writes[Symbol.asyncDispose]()
  }

  /** A cluster makes a lost bucket anew under its old date: it is told by its revisions then. */
  async #bucket(): Promise<{ readonly made: string; readonly isNew: boolean }> {
    await this.#options.keepBucket()
    const { created: made, state } = await this.#manager.streams.info(SESSIONS_STREAM)
    const isNew = this.#made !== '' && (this.#made !== made || state.last_seq < this.#revision)
    if (isNew) this.#revision = 0
    return { made, isNew }
  }

  #put(session: Session): void {
    this.#writes.put(subjectOf(session), { body: JSON.stringify(session), ttlSeconds: this.#ttl(session) })
  }

  #ttl({ until }: Session): number | undefined {
    if (until === undefined) return undefined
    const left = Math.ceil((Date.parse(until) - this.#options.nowMs()) / 1_000)
    return Math.min(Math.max(left, 0) + AFTERWARDS_SECONDS, TTL_SECONDS_MAX)
  }

  #take(change: Change, when: 'start' | 'now'): void {
    this.#revision = Math.max(this.#revision, change.revision)
    if (change.value === undefined) this.ledger.erased(idOf(change))
    else this.ledger.stored(this.#interning.of(change.value as Session), when)
  }
}

function subjectOf(session: Session): string {
  return `${SESSIONS_PREFIX}${sessionKey(session)}`
}

function idOf({ key }: Change): SessionId {
  const [, , server = '', cid = ''] = key.split('.')
  return sessionId({ server, cid: Number(cid) })
}
