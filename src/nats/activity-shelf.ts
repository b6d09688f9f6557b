import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import type { ActivityShelf, LastSeen } from '../sessions/activity.ts'
import { ACTIVITY_PREFIX, ACTIVITY_STREAM } from './buckets.ts'
import { LatestWrites } from './latest-writes.ts'

/** About 200 bytes each. */
const WAITING_MAX = 100_000
/** Whoever was not connected for longer is not known to have been: 400 days. What is left of a deleted user goes, too. */
const KEPT_SECONDS = 400 * 86_400

/** When users were last seen, in a bucket: one key for each. */
export class KvActivityShelf implements ActivityShelf, AsyncDisposable {
  readonly #nc: NatsConnection
  readonly #writes: LatestWrites

  constructor(nc: NatsConnection, { onLost }: { readonly onLost: (error: unknown) => void }) {
    this.#nc = nc
    this.#writes = new LatestWrites(nc, { waitingMax: WAITING_MAX, onLost })
  }

  async get(account: string, user: string): Promise<LastSeen | undefined> {
    const { direct } = await jetstreamManager(this.#nc, { checkAPI: false })
    const message = await direct.getMessage(ACTIVITY_STREAM, { last_by_subj: subjectOf(account, user) })
    if (message === null || message.header.has('KV-Operation')) return undefined
    return message.json<LastSeen>()
  }

  put(account: string, user: string, seen: LastSeen): void {
    this.#writes.put(subjectOf(account, user), { body: JSON.stringify(seen), ttlSeconds: KEPT_SECONDS })
  }

  remove(account: string, user: string): void {
    this.#writes.put(subjectOf(account, user), { body: undefined })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#writes[Symbol.asyncDispose]()
  }
}

function subjectOf(account: string, user: string): string {
  return `${ACTIVITY_PREFIX}${account}.${user}`
}
