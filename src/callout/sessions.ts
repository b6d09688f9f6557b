import type { Account } from '../domain/account.ts'
import type { Grant } from '../domain/grant.ts'
import type { User } from '../domain/user.ts'
import { GatehouseError } from '../errors.ts'
import { Denial } from './reason.ts'
import type { Verified } from './verify.ts'

/** One connection: the id of its server and its number there. */
export type SessionId = `${string} ${number}`

/**
 * Asks the servers for the connections of a user that are open, or for those that have been closed, as far as they
 * remember. Throws `unavailable` when not all of them answer in time.
 */
export type LiveSessions = (
  account: string,
  userName: string,
  state: 'open' | 'closed',
) => Promise<ReadonlySet<SessionId>>

/** Who takes a place, and what its policies say of that. */
interface Claimant {
  readonly account: Account
  readonly user: User
  readonly grant: Pick<Grant, 'sessions'>
}

/** A server shows a connection within this time of our answer, or its client has given up. */
const ARRIVAL_MS_MAX = 2_000

/**
 * Keeps `limits.sessionsPerUser` of the account and `limits.sessions` of policies. How many connections a user has the
 * servers know, and they are asked, for those only who have a limit; who was let in a moment ago and has not arrived there is known here.
 *
 * Replicas do not tell each other whom they let in: as many connections as there are replicas may come through at
 * the same moment where there is room for one. Leaf nodes are not counted: `limits.leafNodes` is theirs.
 */
export class Sessions {
  readonly #liveSessions: LiveSessions
  /** Let in, or about to be, oldest first. */
  readonly #arriving = new Map<SessionId, { readonly of: string; readonly until: number }>()

  constructor(liveSessions: LiveSessions) {
    this.#liveSessions = liveSessions
  }

  /** Takes a place for one more connection of the user, or says why there is none. */
  async claim(
    { account, user, grant }: Claimant,
    { claims }: Verified,
    nowMs: number,
  ): Promise<Denial | undefined> {
    const max = Math.min(account.limits.sessionsPerUser ?? Infinity, grant.sessions ?? Infinity)
    const { server_id, client_info } = claims.nats
    if (max === Infinity || client_info.kind === 'Leafnode') return undefined
    const own: SessionId = `${server_id.id} ${client_info.id ?? 0}`
    this.#forgetArrived(nowMs)
    this.#arriving.set(own, { of: user.id, until: nowMs + ARRIVAL_MS_MAX })
    const denial = await this.#deny({ account, user }, own, max)
    if (denial !== undefined) this.#arriving.delete(own)
    return denial
  }

  async #deny(
    { account, user }: Pick<Claimant, 'account' | 'user'>,
    own: SessionId,
    max: number,
  ): Promise<Denial | undefined> {
    // Who came before has the place, whichever answer is there first.
    const before = this.#arrivingBefore(own, user.id)
    try {
      const live = await this.#liveSessions(account.id, user.name, 'open')
      for (const id of live) this.#arriving.delete(id)
      if (new Set([...live, ...before]).size < max) return undefined
      const left = await this.#without(before, { account, user })
      return new Set([...live, ...left]).size < max ? undefined : new Denial('too_many_sessions', user.name)
    } catch (error) {
      if (error instanceof GatehouseError && error.code === 'unavailable')
        return new Denial('sessions_unknown', user.name)
      throw error
    }
  }

  /** Whoever arrived and has gone since has no place any more. */
  async #without(
    arriving: readonly SessionId[],
    { account, user }: Pick<Claimant, 'account' | 'user'>,
  ): Promise<readonly SessionId[]> {
    if (arriving.length === 0) return arriving
    const closed = await this.#liveSessions(account.id, user.name, 'closed')
    for (const id of arriving) if (closed.has(id)) this.#arriving.delete(id)
    return arriving.filter((id) => !closed.has(id))
  }

  #arrivingBefore(own: SessionId, user: string): readonly SessionId[] {
    const before: SessionId[] = []
    for (const [id, { of }] of this.#arriving) {
      if (id === own) break
      if (of === user) before.push(id)
    }
    return before
  }

  #forgetArrived(nowMs: number): void {
    for (const [id, { until }] of this.#arriving) {
      if (until > nowMs) return
      this.#arriving.delete(id)
    }
  }
}
