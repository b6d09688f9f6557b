import type { NatsConnection } from '@nats-io/transport-node'
import type { TrustSeen } from '../admin/command.ts'
import { GatehouseError } from '../errors.ts'
import type { OperatorClaims } from '../jwt/claims.ts'

const PING = '$SYS.REQ.SERVER.PING.VARZ'
/** All have answered when as many as there are servers did, or nobody has for this long. */
const QUIET_MS = 300
const ROUND_MS_MAX = 5_000

/** The part of a server's VARZ that is read. Who reads its configuration is told what it trusts (both tried). */
interface Varz {
  readonly server: { readonly name: string }
  readonly data?: { readonly trusted_operators_claim?: readonly OperatorClaims[] }
}

/**
 * Which operator signing keys the running servers trust. They take the operator JWT from their configuration, at
 * their start and never again (reference B.4), so what is stored does not tell: they are asked.
 */
export class TrustedKeys {
  readonly #nc: NatsConnection
  readonly #operator: string
  readonly #servers: () => number
  #byAll: ReadonlySet<string> | undefined

  /** `operator` is the root's public key; `servers` is how many there are, 0 while nobody knows. */
  constructor(nc: NatsConnection, of: { readonly operator: string; readonly servers: () => number }) {
    this.#nc = nc
    this.#operator = of.operator
    this.#servers = of.servers
  }

  /** What every server trusted when all of them answered last; undefined before. */
  get byAll(): ReadonlySet<string> | undefined {
    return this.#byAll
  }

  /** Asks all of them, so that `byAll` is true again. Throws `unavailable` unless every one answers. */
  async refresh(): Promise<void> {
    await this.ask()
  }

  /** The same, and tells what each of them said. */
  async ask(): Promise<TrustSeen> {
    const servers: TrustSeen['servers'][number][] = []
    const options = { strategy: 'stall', stall: QUIET_MS, maxWait: ROUND_MS_MAX } as const
    for await (const answer of await this.#nc.requestMany(PING, '', options)) {
      const { server, data } = answer.json<Varz>()
      servers.push({ name: server.name, trusts: this.#keysOf(data) })
      if (servers.length === this.#servers()) break
    }
    if (servers.length === 0 || servers.length < this.#servers())
      throw new GatehouseError('unavailable', 'not every server says which operator keys it trusts')
    const [first, ...others] = servers.map(({ trusts }) => trusts)
    this.#byAll = new Set([...(first ?? [])].filter((key) => others.every((trusts) => trusts.has(key))))
    return { byAll: this.#byAll, servers }
  }

  #keysOf(data: Varz['data']): ReadonlySet<string> {
    const ours = data?.trusted_operators_claim?.filter(({ sub }) => sub === this.#operator) ?? []
    return new Set(ours.flatMap(({ nats }) => nats.signing_keys ?? []))
  }
}
