import { LRUCache } from 'lru-cache'
import type { NatsConnection } from '@nats-io/transport-node'

const PING = '$SYS.REQ.SERVER.PING.IDZ'
/** The cluster has answered when nobody has said anything for this long. */
const QUIET_MS = 300
const ROUND_MS_MAX = 2_000
const ANSWER_MS_MAX = 1_000
/** Servers, and those that turned out to be none, that are remembered. An id lasts as long as a server's process. */
const REMEMBERED_MAX = 10_000
/** Who is not known is not asked for again at once, however many requests name it. */
const STRANGER_TTL_MS = 5_000
const ASKING_MAX = 100

/**
 * Which servers the cluster has. Every request for a decision names the server that asks, and only ours may: one
 * that is not known yet is asked itself, by its id.
 */
export class KnownServers {
  readonly #nc: NatsConnection
  readonly #known = new LRUCache<string, true>({ max: REMEMBERED_MAX })
  readonly #strangers = new LRUCache<string, true>({ max: REMEMBERED_MAX, ttl: STRANGER_TTL_MS })
  readonly #asking = new Map<string, Promise<boolean>>()
  #size = 0
  #refreshing: Promise<void> | undefined

  constructor(nc: NatsConnection) {
    this.#nc = nc
  }

  /** How many answered the last time all were asked; 0 before. */
  get size(): number {
    return this.#size
  }

  isServer(id: string): boolean | Promise<boolean> {
    if (this.#known.has(id) || id === this.#nc.info?.server_id) return true
    if (this.#strangers.has(id)) return false
    const asking = this.#asking.get(id)
    if (asking !== undefined) return asking
    if (this.#asking.size >= ASKING_MAX) return false
    const answer = this.#ask(id).finally(() => this.#asking.delete(id))
    this.#asking.set(id, answer)
    return answer
  }

  /** Asks all of them at once, and once at a time. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#count().finally(() => (this.#refreshing = undefined))
    return this.#refreshing
  }

  async #count(): Promise<void> {
    const options = { strategy: 'stall', stall: QUIET_MS, maxWait: ROUND_MS_MAX } as const
    let size = 0
    for await (const answer of await this.#nc.requestMany(PING, '', options)) {
      this.#known.set(answer.json<{ id: string }>().id, true)
      size += 1
    }
    if (size > 0) this.#size = size
  }

  async #ask(id: string): Promise<boolean> {
    try {
      const answer = await this.#nc.request(`$SYS.REQ.SERVER.${id}.IDZ`, '', { timeout: ANSWER_MS_MAX })
      if (answer.json<{ id: string }>().id !== id) throw new Error('another server answered')
      this.#known.set(id, true)
      return true
    } catch {
      this.#strangers.set(id, true)
      return false
    }
  }
}
