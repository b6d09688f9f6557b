import type { Account } from '../domain/account.ts'
import type { MergedLimits } from '../domain/limits.ts'
import type { Credential, User } from '../domain/user.ts'
import { GatehouseError } from '../errors.ts'
import type { OpenSessions } from '../sessions/open-sessions.ts'
import { LEAF_NODE, sessionId, type SessionId } from '../sessions/session.ts'
import { isCounted, type SessionLimits } from '../sessions/surplus.ts'
import type { Soon } from './directory.ts'
import { ARRIVAL_MS_MAX, presenceOf, type LiveSessions, type Place } from './presence.ts'
import { Denial } from './reason.ts'
import type { Verified } from './verify.ts'

/** Who takes a place, and what its policies say of that. */
export interface Claimant {
  readonly account: Account
  readonly user: User
  readonly credential: Credential
  readonly grant: Counted
}

/** What limits say of how many. */
type Counted = Pick<MergedLimits, 'sessions' | 'sessionsPerCredential' | 'keepSessions'>

/** What of an account and of the limits of policies counts connections; `undefined` where nothing does. */
export function sessionLimits({ limits }: Account, merged: Counted): SessionLimits | undefined {
  const perUser = Math.min(limits.sessionsPerUser ?? Infinity, merged.sessions ?? Infinity)
  const perCredential = merged.sessionsPerCredential ?? Infinity
  if (perUser === Infinity && perCredential === Infinity) return undefined
  return { perUser, perCredential, keep: merged.keepSessions ?? 'oldest' }
}

/** A place that is taken, and by which credential. */
interface Taken extends Place {
  readonly credential: string | undefined
}

interface Arriving extends Taken {
  readonly of: string
}

/**
 * Keeps the limits of connections at the door. Who is connected the ledger knows, and who was let in a moment ago is
 * known here: whoever has room by that is let in without a question to anybody. Before somebody is refused the servers
 * are asked, for the ledger may know of connections that are gone.
 *
 * What replicas let in at the same moment beyond a limit is ended after it (thinning.ts), and so are the oldest where
 * the newest stay. Leaf nodes are not counted: `limits.leafNodes` is theirs.
 */
export class Sessions {
  readonly #liveSessions: LiveSessions
  readonly #open: Pick<OpenSessions, 'get' | 'ofUser'>
  /** Let in, or about to be, oldest first. */
  readonly #arriving = new Map<SessionId, Arriving>()

  constructor(liveSessions: LiveSessions, open: Pick<OpenSessions, 'get' | 'ofUser'>) {
    this.#liveSessions = liveSessions
    this.#open = open
  }

  /** Takes a place for one more connection of the user, or says why there is none. */
  claim(claimant: Claimant, { claims }: Verified, nowMs: number): Soon<Denial | undefined> {
    const { account, user, credential, grant } = claimant
    const limits = sessionLimits(account, grant)
    const { server_id, client_info } = claims.nats
    if (limits === undefined || client_info.kind === LEAF_NODE) return undefined
    const id = sessionId({ server: server_id.id, cid: client_info.id ?? 0 })
    this.#forgetArrived(nowMs)
    const before = this.#takenBefore(id, user.id) // Who came before has the place, whichever answer is there first.
    this.#arriving.set(id, { id, of: user.id, credential: credential.id, sinceMs: nowMs })
    const isNewestIn = limits.keep === 'newest' && limits.perUser > 0
    if (isNewestIn || hasRoom(before, limits, credential)) return undefined
    return this.#askBeforeRefusing(claimant, { id, before, limits, nowMs })
  }

  async #askBeforeRefusing(
    { account, user, credential }: Claimant,
    { id, before, limits, nowMs }: Asking,
  ): Promise<Denial | undefined> {
    try {
      const whose = { account: account.id, name: user.name, nowMs }
      const { there, live } = await presenceOf(before, whose, this.#liveSessions)
      // Those whom another replica let in, of whom nobody has told us. Who came after has counted us.
      const unknown = [...live]
        .filter(
          (other) => other !== id && !this.#arriving.has(other) && !before.some((one) => one.id === other),
        )
        .map((other): Taken => ({ id: other, credential: this.#open.get(other)?.credential, sinceMs: 0 }))
      if (hasRoom([...there, ...unknown], limits, credential)) return undefined
      this.#arriving.delete(id)
      return new Denial('too_many_sessions', user.name)
    } catch (error) {
      this.#arriving.delete(id)
      // As far as is known there is no room, and nobody can say otherwise.
      if (error instanceof GatehouseError && error.code === 'unavailable')
        return new Denial('sessions_unknown', user.name)
      throw error
    }
  }

  #takenBefore(own: SessionId, user: string): readonly Taken[] {
    const recorded = this.#open
      .ofUser(user)
      .filter(isCounted)
      .map((session): Taken => {
        const { credential, since } = session
        return { id: sessionId(session), credential, sinceMs: Date.parse(since) }
      })
      .filter(({ id }) => id !== own)
    for (const { id } of recorded) this.#arriving.delete(id)
    return [...recorded, ...[...this.#arriving.values()].filter(({ id, of }) => of === user && id !== own)]
  }

  #forgetArrived(nowMs: number): void {
    for (const [id, { sinceMs }] of this.#arriving) {
      if (nowMs - sinceMs < ARRIVAL_MS_MAX) return
      this.#arriving.delete(id)
    }
  }
}

interface Asking {
  readonly id: SessionId
  readonly before: readonly Taken[]
  readonly limits: SessionLimits
  readonly nowMs: number
}

function hasRoom(
  taken: readonly Taken[],
  { perUser, perCredential }: SessionLimits,
  { id }: Credential,
): boolean {
  return taken.length < perUser && taken.filter(({ credential }) => credential === id).length < perCredential
}
