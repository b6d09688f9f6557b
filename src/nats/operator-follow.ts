import { setTimeout as sleep } from 'node:timers/promises'
import type { OperatorTrust, TrustSeen } from '../admin/command.ts'
import { signingKeyOf, signingKeysInUse, type Operator } from '../domain/operator.ts'
import { GatehouseError } from '../errors.ts'
import { decode } from '../jwt/token.ts'
import type { SealedKey } from '../keys/vault.ts'
import type { KvDirectory } from './directory.ts'
import type { KnownServers } from './servers.ts'
import type { TrustChain } from './trust.ts'
import type { TrustedKeys } from './trusted-keys.ts'

/** How long whoever asks for the JWT waits for it to be what the state says. */
const KEEP_MS_MAX = 2_000

export interface OperatorFollowing {
  readonly trust: TrustChain
  readonly trusted: TrustedKeys
  readonly servers: KnownServers
  readonly directory: KvDirectory
  /** Resolves when every resolver holds every account as it is stored, signed by the key that signs now. */
  readonly accountsPushed: () => Promise<void>
  readonly nowMs: () => number
  readonly onError: (error: unknown) => void
}

/**
 * Keeps what servers are started with as the operator is stored. A key that was revoked leaves the JWT last, once
 * nothing in the resolvers is signed by it: a server that does not list it would not take such an account.
 */
export class OperatorFollow implements OperatorTrust {
  readonly #with: OperatorFollowing
  #line: Promise<void> = Promise.resolve()

  constructor(following: OperatorFollowing) {
    this.#with = following
    following.directory.onOperator(() => void this.#keepInTurn().catch(following.onError))
  }

  async seen(): Promise<TrustSeen> {
    await this.#with.servers.refresh() // One that joined a moment ago counts.
    return this.#with.trusted.ask()
  }

  async jwt(operator: Operator): Promise<string | undefined> {
    const { trust } = this.#with
    const kept = this.settled().catch(() => undefined) // What is wrong was told already, or will be by upkeep.
    await Promise.race([kept, sleep(KEEP_MS_MAX, undefined, { ref: false })])
    return trust.isKept(operator) ? trust.operatorJwt : undefined
  }

  /** Resolves when the JWT is as the operator is stored now, or cannot be yet: accounts have to be signed anew. */
  async settled(): Promise<void> {
    const { directory, trust } = this.#with
    await directory.upToDate()
    // Not to be waited for by who waits for an answer: pushing AUTH would cut it off.
    if (directory.operator !== undefined && listsRevoked(trust.operatorJwt, directory.operator)) return
    await this.#keepInTurn()
  }

  /** Resolves when the JWT is as the operator is stored now. */
  async kept(): Promise<void> {
    await this.#with.directory.upToDate()
    await this.#keepInTurn()
  }

  #keepInTurn(): Promise<void> {
    const line = this.#line.then(() => this.#keep())
    this.#line = line.catch(() => undefined)
    return line
  }

  async #keep(): Promise<void> {
    const { directory, trust, accountsPushed } = this.#with
    for (;;) {
      const { operator } = directory
      if (operator === undefined || trust.isKept(operator)) return
      if (listsRevoked(trust.operatorJwt, operator)) await accountsPushed()
      const keys = await this.#sealed(operator)
      if (operator !== directory.operator) continue // It changed again meanwhile.
      trust.keep(operator, keys)
      return
    }
  }

  /** The seeds of the keys in use, sealed. The one that will sign comes last: servers started anew trust them all. */
  async #sealed(operator: Operator): Promise<readonly SealedKey[]> {
    const names = signingKeysInUse(operator).map(({ publicKey }) => publicKey)
    const moment = { trusted: new Set(names), nowMs: this.#with.nowMs() }
    const last = signingKeyOf(operator, moment)
    const ordered = [...names.filter((name) => name !== last), ...names.filter((name) => name === last)]
    return Promise.all(
      ordered.map(async (name) => {
        const sealed = (await this.#with.directory.sealed(name)) as SealedKey | undefined
        if (sealed !== undefined) return sealed
        throw new GatehouseError('invalid_key', `the seed of operator key ${name} is not stored`)
      }),
    )
  }
}

function listsRevoked(operatorJwt: string, { signingKeys }: Operator): boolean {
  const decoded = decode(operatorJwt)
  const listed = decoded.type === 'operator' ? (decoded.claims.nats.signing_keys ?? []) : []
  return signingKeys.some(({ publicKey, revoked }) => revoked !== undefined && listed.includes(publicKey))
}
