import { allOf } from '../domain/grant.ts'
import { mergeLimits } from '../domain/limits.ts'
import { partsOf } from '../domain/parts.ts'
import { GatehouseError } from '../errors.ts'
import type { Evictions } from '../sessions/kicking.ts'
import type { OpenSessions } from '../sessions/open-sessions.ts'
import { sessionId, type Session } from '../sessions/session.ts'
import { isCounted, surplusOf, type SessionLimits } from '../sessions/surplus.ts'
import type { Directory } from './directory.ts'
import { ARRIVAL_MS_MAX, presenceOf, type LiveSessions } from './presence.ts'
import { sessionLimits } from './sessions.ts'

/** Users looked at at a time. */
const AT_ONCE = 8

export interface ThinningParts {
  readonly directory: Directory
  readonly open: OpenSessions
  readonly liveSessions: LiveSessions
  readonly evictions: Evictions
  /** Is this user for this replica to see to? */
  readonly owns: (user: string) => boolean
  readonly nowMs: () => number
  readonly onError: (error: unknown) => void
}

/**
 * Ends what is beyond the limits of a user: what several replicas let in at the same moment, the oldest where the
 * newest stay, and what a limit that was lowered leaves no room for. Nobody is ended for a connection that is gone:
 * where there seem to be too many, the servers are asked who is there.
 */
export class Thinning implements Disposable {
  readonly #parts: ThinningParts
  readonly #waiting = new Set<string>()
  readonly #later = new Map<string, NodeJS.Timeout>()
  #underWay = 0
  #isClosed = false

  constructor(parts: ThinningParts) {
    this.#parts = parts
  }

  /** To be called with every session that is new. */
  began({ account: id, user, policies }: Session): void {
    const { directory } = this.#parts
    const isLimited =
      directory.account(id)?.limits.sessionsPerUser !== undefined ||
      policies.some((policy) => {
        const { sessions, sessionsPerCredential } = directory.policy(policy.id)?.limits ?? {}
        return sessions !== undefined || sessionsPerCredential !== undefined
      })
    if (isLimited) this.#look(user)
  }

  /** To be called with every key that has changed. */
  changed(key: string): void {
    const [what, id = '', user = ''] = key.split('.')
    if (what === 'user') this.#look(user)
    if (what === 'account') this.#lookWhere((session) => session.account === id)
    if (what === 'policy') this.#lookWhere(({ policies }) => policies.some((policy) => policy.id === id))
    if (what === 'role') this.#lookWhere(({ roles }) => roles.length > 0) // It may be within one of them.
  }

  /** To be called when other users have become this replica's to see to. */
  shifted(): void {
    this.#lookWhere(() => true)
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#waiting.clear()
    for (const timer of this.#later.values()) clearTimeout(timer)
  }

  #lookWhere(isMeant: (session: Session) => boolean): void {
    const users = new Set<string>()
    for (const session of this.#parts.open) if (isMeant(session)) users.add(session.user)
    for (const user of users) this.#look(user)
  }

  #look(user: string): void {
    if (this.#isClosed || !this.#parts.owns(user) || this.#seemsFew(user)) return
    this.#waiting.add(user)
    this.#pump()
  }

  /** One connection is too many only where none is allowed. */
  #seemsFew(user: string): boolean {
    const { open, directory } = this.#parts
    const [first, second] = open.ofUser(user)
    if (first === undefined) return true
    return second === undefined && directory.account(first.account)?.limits.sessionsPerUser !== 0
  }

  #pump(): void {
    while (this.#underWay < AT_ONCE) {
      const [user] = this.#waiting
      if (user === undefined) return
      this.#waiting.delete(user)
      this.#underWay += 1
      void this.#thin(user)
        .catch((error: unknown) => {
          this.#lookLater(user)
          if (!(error instanceof GatehouseError && error.code === 'unavailable')) this.#parts.onError(error)
        })
        .finally(() => {
          this.#underWay -= 1
          this.#pump()
        })
    }
  }

  async #thin(user: string): Promise<void> {
    const { open, liveSessions, evictions, nowMs, onError } = this.#parts
    const limits = await this.#limitsOf(user)
    const sessions = open.ofUser(user).filter(isCounted)
    const [first] = sessions
    if (first === undefined || limits === undefined || surplusOf(sessions, limits).length === 0) return
    const places = sessions.map((session) => ({
      id: sessionId(session),
      sinceMs: Date.parse(session.since),
      session,
    }))
    const whose = { account: first.account, name: first.name, nowMs: nowMs() }
    const { there, isArriving } = await presenceOf(places, whose, liveSessions)
    if (isArriving) this.#lookLater(user)
    const surplus = surplusOf(
      there.map(({ session }) => session),
      limits,
    )
    if (surplus.length === 0) return
    const cause = { reason: 'too_many_sessions', detail: first.name }
    evictions.evict(surplus, cause).catch(onError) // That has a pace of its own.
  }

  /** What holds for the user now; `undefined` where nothing does, or where it has no grant: then that is what ends it. */
  async #limitsOf(user: string): Promise<SessionLimits | undefined> {
    const { open, directory } = this.#parts
    const [session] = open.ofUser(user)
    const account = session && directory.account(session.account)
    if (session === undefined || account === undefined) return undefined
    const found = await directory.user(account.id, user)
    const parts = found && partsOf(found, account, directory)
    if (parts === undefined || 'missing' in parts) return undefined
    return sessionLimits(account, mergeLimits(allOf(parts).map(({ limits }) => limits)))
  }

  #lookLater(user: string): void {
    clearTimeout(this.#later.get(user))
    if (this.#isClosed) return
    const timer = setTimeout(() => {
      this.#later.delete(user)
      this.#look(user)
    }, ARRIVAL_MS_MAX)
    timer.unref()
    this.#later.set(user, timer)
  }
}
