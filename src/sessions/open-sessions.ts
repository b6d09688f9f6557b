import { sessionId, type Session, type SessionId } from './session.ts'

/** The sessions that there are, in memory. Pure: whoever keeps it current says what comes and goes. */
export class OpenSessions {
  readonly #byId = new Map<SessionId, Session>()
  readonly #byUser = new Map<string, Map<SessionId, Session>>()

  get size(): number {
    return this.#byId.size
  }

  get(id: SessionId): Session | undefined {
    return this.#byId.get(id)
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.#byId.values()
  }

  ofUser(user: string): readonly Session[] {
    return [...(this.#byUser.get(user)?.values() ?? [])]
  }

  /** Puts it in the place of what had the same id: one connection is one session. */
  add(session: Session): void {
    const id = sessionId(session)
    this.remove(id)
    this.#byId.set(id, session)
    const own = this.#byUser.get(session.user) ?? new Map<SessionId, Session>()
    own.set(id, session)
    this.#byUser.set(session.user, own)
  }

  remove(id: SessionId): Session | undefined {
    const session = this.#byId.get(id)
    if (session === undefined) return undefined
    this.#byId.delete(id)
    const own = this.#byUser.get(session.user)
    own?.delete(id)
    if (own?.size === 0) this.#byUser.delete(session.user)
    return session
  }
}
