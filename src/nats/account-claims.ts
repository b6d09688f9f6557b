import type { NatsConnection } from '@nats-io/transport-node'
import type { Account } from '../domain/account.ts'
import { same } from '../domain/same.ts'
import { GatehouseError } from '../errors.ts'
import type { AccountClaims, Unsigned } from '../jwt/claims.ts'
import { decode, encode } from '../jwt/token.ts'
import type { Signer } from '../keys/signer.ts'
import { Pauses } from './pauses.ts'

/** Every full resolver answers. All have when as many as there are servers did, or nobody has for this long. */
const QUIET_MS = 300
const ROUND_MS_MAX = 5_000
/** A push that failed is tried again after this long, and after twice as long each time. */
const RETRY_MS = 1_000
const RETRY_MS_MAX = 30_000
/** A command that changed the operator is answered before what it changed cuts answers off. */
const ANSWERS_MS = 1_000

const UPDATE = '$SYS.REQ.CLAIMS.UPDATE'

/** What account JWTs are made with. */
export interface ClaimsSource {
  /** Who signs them now. Keys are rotated, and what another one signed is signed anew. */
  operatorSigner(): Promise<Signer>
  /** The claims an account should have; undefined for one that is not ours to push. */
  claims(account: Account, issuedAt: number): Unsigned<AccountClaims> | undefined
  readonly nowMs: () => number
  /** How many servers there are; 0 when nobody knows. */
  readonly servers: () => number
  /** Asked for after every push that failed: perhaps there are fewer by now. */
  readonly recount: () => void
  /** Told what went wrong once, however often it does, until something else does or the account is pushed. */
  readonly onError: (error: unknown, account: Account) => void
}

/** Why an account could not be pushed, as it was told, and how long until it is tried again. */
interface Failure {
  readonly text: string
  readonly waitMs: number
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
  readonly #failures = new Map<string, Failure>()
  /** Until an account is tried again, by its id; and others. */
  readonly #pauses = new Pauses()

  constructor(nc: NatsConnection, source: ClaimsSource) {
    this.#nc = nc
    this.#source = source
  }

  /** Resolves when every resolver holds the account as it is: of several calls at once, as the last one says. */
  follow(account: Account): Promise<void> {
    const before = this.#lines.get(account.id) ?? Promise.resolve()
    const line: Promise<void> = before.then(() =>
      this.#untilTrue(account, () => this.#lines.get(account.id) === line),
    )
    this.#lines.set(account.id, line)
    this.#pauses.end(account.id)
    return this.#settled(account.id, line)
  }

  /** The same for all of them. Those that answers go through come last, each in its turn. */
  async followAll(accounts: readonly Account[]): Promise<void> {
    await Promise.all(accounts.filter((each) => !carriesAnswers(each)).map((each) => this.follow(each)))
    for (const account of accounts.filter(carriesAnswers)) await this.follow(account)
  }

  async #settled(id: string, line: Promise<void>): Promise<void> {
    await line
    const newest = this.#lines.get(id)
    if (newest !== undefined && newest !== line) await this.#settled(id, newest)
  }

  /** The account was deleted: nothing of it is pushed any more, whatever was under way. */
  forget(account: string): void {
    this.#lines.delete(account)
    this.#pushed.delete(account)
    this.#failures.delete(account)
    this.#pauses.end(account)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#pauses.endAll()
    await Promise.all(this.#lines.values())
  }

  async #untilTrue(account: Account, isNewest: () => boolean): Promise<void> {
    while (isNewest() && !this.#pauses.areOver) {
      try {
        await this.#push(account)
        this.#failures.delete(account.id)
        return
      } catch (error) {
        if (!isNewest()) return // What failed is no longer wanted.
        await this.#pauses.wait(this.#failed(error, account), account.id)
      }
    }
  }

  /** Tells it, unless that was done, and says how long to wait. */
  #failed(error: unknown, account: Account): number {
    const text = error instanceof Error ? error.message : String(error)
    const before = this.#failures.get(account.id)
    const waitMs = Math.min(2 * (before?.waitMs ?? RETRY_MS / 2), RETRY_MS_MAX)
    this.#failures.set(account.id, { text, waitMs })
    if (before?.text !== text) this.#source.onError(error, account)
    this.#source.recount()
    return waitMs
  }

  async #push(account: Account): Promise<void> {
    const source = this.#source
    const signer = await source.operatorSigner()
    const held = await this.#lookUp(account.id)
    // A resolver that has nothing can keep those who have something from being heard.
    const newest = Math.max(this.#pushed.get(account.id) ?? 0, ...held.map((there) => there?.iat ?? 0))
    const issuedAt = Math.max(Math.floor(source.nowMs() / 1_000), newest + 1)
    const wanted = source.claims(account, issuedAt)
    if (wanted === undefined) return
    if (this.#isTrue(account, held, signer)) return
    if (carriesAnswers(account)) await this.#pauses.wait(ANSWERS_MS)
    if (this.#pauses.areOver) return
    this.#pushed.set(account.id, issuedAt)
    if (account.role === 'system') await this.#pushUnanswered(account, encode(wanted, signer), signer)
    else await this.#pushAnswered(account, encode(wanted, signer))
  }

  /** Compared as if issued when the one that is there was: only what they say counts, and who says it. */
  #isTrue(account: Account, held: readonly (AccountClaims | undefined)[], signer: Signer): boolean {
    const source = this.#source
    const agrees = held.every(
      (there) =>
        there !== undefined &&
        there.iss === signer.publicKey &&
        says(there, source.claims(account, there.iat)),
    )
    return agrees && held.length > 0 && held.length >= source.servers()
  }

  /** An update of SYS cuts off its own answer: what the resolvers hold tells. */
  async #pushUnanswered(account: Account, jwt: string, signer: Signer): Promise<void> {
    this.#nc.publish(UPDATE, jwt)
    await this.#nc.flush()
    if (this.#isTrue(account, await this.#lookUp(account.id), signer)) return
    throw unavailable(`not every resolver took account "${account.name}"`)
  }

  async #pushAnswered(account: Account, jwt: string): Promise<void> {
    const replies = await this.#ask(UPDATE, jwt)
    const refused = replies
      .map((reply) => JSON.parse(reply) as { error?: { description?: string } })
      .find(({ error }) => error)
    if (refused !== undefined)
      throw unavailable(`a resolver refused account "${account.name}": ${refused.error?.description ?? ''}`)
    if (replies.length === 0) throw unavailable('no resolver answered')
    if (replies.length < this.#source.servers()) throw unavailable('not every resolver answered')
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
}

/**
 * SYS answers the service, AUTH answers commands. An update makes the exports of an account anew, and answers that are
 * on their way through the old ones are lost (tried on 2.12.7 and 2.15.2).
 */
function carriesAnswers({ role }: Account): boolean {
  return role === 'system' || role === 'callout'
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
