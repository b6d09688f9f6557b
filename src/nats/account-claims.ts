import type { NatsConnection } from '@nats-io/transport-node'
import type { Account } from '../domain/account.ts'
import { same } from '../domain/same.ts'
import { GatehouseError } from '../errors.ts'
import type { AccountClaims, Unsigned } from '../jwt/claims.ts'
import { decode, encode } from '../jwt/token.ts'
import type { Signer } from '../keys/signer.ts'

/** Every full resolver answers. All have when as many as there are servers did, or nobody has for this long. */
const QUIET_MS = 300
const ROUND_MS_MAX = 5_000
const RETRY_MS = 1_000

/** What account JWTs are made with. */
export interface ClaimsSource {
  readonly operatorSigner: Signer
  /** The claims an account should have; undefined for one that is not ours to push. */
  claims(account: Account, issuedAt: number): Unsigned<AccountClaims> | undefined
  readonly nowMs: () => number
  /** How many servers there are; 0 when nobody knows. */
  readonly servers: () => number
  readonly onError: (error: unknown, account: Account) => void
}

/**
 * Keeps the account JWTs in the resolvers as the state says: looked up, compared, pushed, and again until every one
 * of them has it. `iat` grows with every push, or resolvers would keep what they have (reference C.4).
 */
export class AccountClaimsPush implements AsyncDisposable {
  readonly #nc: NatsConnection
  readonly #source: ClaimsSource
  /** One account after the other, so that no two pushes of one account cross. */
  readonly #lines = new Map<string, Promise<void>>()
  /** `iat` of the last push of each, seconds since the epoch. */
  readonly #pushed = new Map<string, number>()
  readonly #stop = new AbortController()

  constructor(nc: NatsConnection, source: ClaimsSource) {
    this.#nc = nc
    this.#source = source
  }

  /** Resolves when every resolver holds the account as it is, or a newer call has taken over. */
  follow(account: Account): Promise<void> {
    const before = this.#lines.get(account.id) ?? Promise.resolve()
    const line: Promise<void> = before.then(() =>
      this.#untilTrue(account, () => this.#lines.get(account.id) === line),
    )
    this.#lines.set(account.id, line)
    return line
  }

  /** The account was deleted: nothing of it is pushed any more, whatever was under way. */
  forget(account: string): void {
    this.#lines.delete(account)
    this.#pushed.delete(account)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#lines.values())
  }

  async #untilTrue(account: Account, isNewest: () => boolean): Promise<void> {
    while (isNewest() && !this.#stop.signal.aborted) {
      try {
        await this.#push(account)
        return
      } catch (error) {
        this.#source.onError(error, account)
        await this.#pause()
      }
    }
  }

  async #push(account: Account): Promise<void> {
    const source = this.#source
    const held = await this.#lookUp(account.id)
    // A resolver that has nothing can keep those who have something from being heard.
    const newest = Math.max(this.#pushed.get(account.id) ?? 0, ...held.map((there) => there?.iat ?? 0))
    const issuedAt = Math.max(Math.floor(source.nowMs() / 1_000), newest + 1)
    const wanted = source.claims(account, issuedAt)
    if (wanted === undefined) return
    // Compared as if issued when the one that is there was: only what they say counts.
    const isTrue = held.every(
      (there) => there !== undefined && says(there, source.claims(account, there.iat)),
    )
    if (isTrue && held.length > 0 && held.length >= source.servers()) return
    this.#pushed.set(account.id, issuedAt)
    const replies = await this.#ask('$SYS.REQ.CLAIMS.UPDATE', encode(wanted, source.operatorSigner))
    const refused = replies
      .map((reply) => JSON.parse(reply) as { error?: { description?: string } })
      .find(({ error }) => error)
    if (refused !== undefined)
      throw unavailable(`a resolver refused account "${account.name}": ${refused.error?.description ?? ''}`)
    if (replies.length === 0) throw unavailable('no resolver answered')
    if (replies.length < source.servers()) throw unavailable('not every resolver answered')
  }

  /** What each resolver holds; undefined for one that has nothing, or nothing that can be read. */
  async #lookUp(account: string): Promise<readonly (AccountClaims | undefined)[]> {
    const replies = await this.#ask(`$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`, '')
    return replies.map(accountClaims)
  }

  async #ask(subject: string, body: string): Promise<readonly string[]> {
    const replies: string[] = []
    const options = { strategy: 'stall', stall: QUIET_MS, maxWait: ROUND_MS_MAX } as const
    for await (const reply of await this.#nc.requestMany(subject, body, options)) {
      replies.push(reply.string())
      if (replies.length === this.#source.servers()) break
    }
    return replies
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS)
      this.#stop.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}

function accountClaims(token: string): AccountClaims | undefined {
  try {
    const decoded = decode(token)
    return decoded.type === 'account' ? decoded.claims : undefined
  } catch {
    return undefined // Nothing is there, or somebody pushed what is no account JWT: it will be replaced.
  }
}

function says(
  { iss: _iss, jti: _jti, ...there }: AccountClaims,
  wanted: Unsigned<AccountClaims> | undefined,
): boolean {
  return same(there, wanted)
}

function unavailable(message: string): GatehouseError {
  return new GatehouseError('unavailable', message)
}
