import { LRUCache } from 'lru-cache'
import type { NatsConnection } from '@nats-io/transport-node'

const PING = '$SYS.REQ.SERVER.PING.IDZ'
/** The cluster has answered when nobody has said anything for this long. */
const QUIET_MS = 200
const ROUND_MS_MAX = 2_000
/** Who is not known is not asked for again at once, however many requests name it. */
const STRANGER_TTL_MS = 5_000
const STRANGERS_MAX = 10_000

/**
 * Which servers the cluster has. Every request for a decision names the server that asks; only ours may. A new one
 * is found by asking all of them, at most one round at a time.
 */
export class KnownServers {
  readonly #nc: NatsConnection
  readonly #known = new Set<string>()
  readonly #strangers = new LRUCache<string, true>({ max: STRANGERS_MAX, ttl: STRANGER_TTL_MS })
  #round: Promise<void> | undefined

  constructor(nc: NatsConnection) {
    this.#nc = nc
  }

  isServer(id: string): boolean | Promise<boolean> {
    if (this.#known.has(id) || id === this.#nc.info?.server_id) return true
    return this.#strangers.has(id) ? false : this.#ask(id)
  }

  async #ask(id: string): Promise<boolean> {
    this.#round ??= this.#ping().finally(() => (this.#round = undefined))
    await this.#round
    if (this.#known.has(id)) return true
    this.#strangers.set(id, true)
    return false
  }

  async #ping(): Promise<void> {
    const answers = await this.#nc.requestMany(PING, '', {
      strategy: 'stall',
      stall: QUIET_MS,
      maxWait: ROUND_MS_MAX,
    })
    const found = new Set<string>()
    for await (const answer of answers) found.add(answer.json<{ id: string }>().id)
    if (found.size === 0) return // Nobody answered: what was known still holds.
    this.#known.clear()
    for (const each of found) this.#known.add(each)
  }
}
