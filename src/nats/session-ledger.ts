import type { NatsConnection } from '@nats-io/transport-node'
import { OpenSessions } from '../sessions/open-sessions.ts'
import { sessionKey, type Session, type SessionId } from '../sessions/session.ts'
import { SESSIONS_PREFIX, SESSIONS_STREAM } from './buckets.ts'
import { LatestWrites } from './latest-writes.ts'
import { watch, type Change } from './watch.ts'

/** Sessions that wait to be written; what comes beyond is found by asking the servers. About 1 KiB each. */
const WAITING_MAX = 100_000

export interface SessionLedgerOptions {
  readonly onLost: (error: unknown) => void
}

/** Who is connected, to any server, let in by any replica: in memory here, in a bucket for all of them. */
export class SessionLedger implements AsyncDisposable {
  readonly open = new OpenSessions()
  readonly #writes: LatestWrites
  readonly #listeners = new Set<(session: Session) => void>()
  #watch: AsyncDisposable | undefined

  private constructor(nc: NatsConnection, { onLost }: SessionLedgerOptions) {
    this.#writes = new LatestWrites(nc, { waitingMax: WAITING_MAX, onLost })
  }

  /** Resolves when it knows every session that is stored. */
  static async open(nc: NatsConnection, options: SessionLedgerOptions): Promise<SessionLedger> {
    const ledger = new SessionLedger(nc, options)
    const everything = {
      stream: SESSIONS_STREAM,
      prefix: SESSIONS_PREFIX,
      keys: ['>'],
      of: 'everything',
    } as const
    ledger.#watch = await watch(nc, everything, (change) => ledger.#take(change))
    return ledger
  }

  /** Calls with every session that is new here, whichever replica let it in. */
  onSession(listener: (session: Session) => void): void {
    this.#listeners.add(listener)
  }

  /** Known here at once, to the other replicas soon. */
  record(session: Session): void {
    this.#add(session)
    this.#writes.put(`${SESSIONS_PREFIX}${sessionKey(session)}`, { body: JSON.stringify(session) })
  }

  /** It is over: here at once, for the others soon. */
  end(id: SessionId): Session | undefined {
    const session = this.open.remove(id)
    if (session !== undefined)
      this.#writes.put(`${SESSIONS_PREFIX}${sessionKey(session)}`, { body: undefined })
    return session
  }

  /** Resolves when everything that was recorded here is stored, or lost. */
  settled(): Promise<void> {
    return this.#writes.settled()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]()
    await this.#writes[Symbol.asyncDispose]()
  }

  #add(session: Session): void {
    this.open.add(session)
    for (const listener of this.#listeners) listener(session)
  }

  #take({ key, value }: Change): void {
    const [, , server = '', cid = ''] = key.split('.')
    const id: SessionId = `${server}.${Number(cid)}`
    if (value === undefined) this.open.remove(id)
    else if (this.open.get(id)?.decision !== (value as Session).decision) this.#add(value as Session)
  }
}
