import { Fading } from './fading.ts'
import { OpenSessions } from './open-sessions.ts'
import { UNKNOWN, type Arrival, type Departure } from './presence.ts'
import { LEAF_NODE, sessionId, type Connection, type Session, type SessionId } from './session.ts'

/** A server shows a connection within this time of our answer, or its client has given up. */
const ARRIVAL_MS_MAX = 5_000
/** A record is on its way to the other replicas for so long at most, while JetStream takes anything. */
const RECORD_MS_MAX = 10_000
/** Who ends a session waits so long for the server to tell how it went. */
const FACTS_MS_MAX = 2_000
/** Whoever is to write down an end does so within this time, or somebody else does. */
const MARK_MS_MAX = 10_000
/** What is over does not come back: for so long an echo may be on its way. */
const OVER_MS = 120_000
/** Of each kind that is remembered for a while; the oldest goes. About 200 bytes each. */
const REMEMBERED_MAX = 200_000

/** Where all replicas see it. Both are done off the path, and in order for each session. */
export interface Shelf {
  put(session: Session): void
  remove(session: Session): void
}

export interface LedgerOptions {
  readonly shelf: Shelf
  /** Is it for this replica to see to? */
  readonly owns: (id: SessionId) => boolean
  readonly nowMs: () => number
}

/** Somebody to be told, once, that a session is over. */
export type EndListener = (session: Session, departure: Departure) => void

/** An end of which something is missing: how it went, or the mark of whoever sees to it. */
interface Leaving {
  readonly session: Session
  readonly departure: Departure | undefined
  /** `here`: this replica has written it down, and tells of it. */
  readonly by: 'here' | 'elsewhere'
  readonly reason: string
}

/** A connection of which there is no record yet. Who has asked for it sees to it, else the one that it falls to. */
interface Stranger {
  readonly arrival: Arrival
  readonly by: 'here' | 'owner'
}

/** What there is to be asked. */
export interface Doubts {
  /** Sessions of which no server has told. */
  readonly unconfirmed: readonly Session[]
  /** Connections that nobody has recorded. */
  readonly strangers: readonly Arrival[]
}

/**
 * Which sessions there are, made of what comes in any order: records of this replica and of others, servers that tell
 * of connections and of their ends, and marks of others that have written an end down. Of each end one replica tells;
 * when that one fails another does, and readers drop the second by its id. Pure: time comes in by `tick`.
 */
export class Ledger {
  readonly open = new OpenSessions()
  readonly #options: LedgerOptions
  readonly #unconfirmed: Fading<Session>
  readonly #strangers: Fading<Stranger>
  /** Connections that are over; `undefined` where their end has been seen to. */
  readonly #over: Fading<Departure | undefined>
  readonly #leaving: Fading<Leaving>
  readonly #sessionListeners = new Set<(session: Session) => void>()
  readonly #endListeners = new Set<EndListener>()
  readonly #tellers = new Set<EndListener>()

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#unconfirmed = new Fading(REMEMBERED_MAX)
    this.#strangers = new Fading(REMEMBERED_MAX)
    this.#over = new Fading(REMEMBERED_MAX)
    this.#leaving = new Fading(REMEMBERED_MAX)
  }

  /** Calls with every session that is new here, whichever replica let it in. */
  onSession(listener: (session: Session) => void): void {
    this.#sessionListeners.add(listener)
  }

  /** Calls with every session that is over, on every replica. */
  onEnd(listener: EndListener): void {
    this.#endListeners.add(listener)
  }

  /** Calls with a session that is over on the one replica that tells of it. */
  onTold(listener: EndListener): void {
    this.#tellers.add(listener)
  }

  /** This replica has let it in. */
  record(session: Session): void {
    const id = sessionId(session)
    const departure = this.#over.get(id)
    if (departure !== undefined) {
      this.#over.set(id, undefined, this.#options.nowMs())
      this.#tellEnd(session, departure, 'here') // It was gone before it was let in: nobody else knows of it.
    } else if (!this.#over.has(id)) {
      this.#options.shelf.put(session)
      this.#begin(session)
    }
  }

  /** This replica has found it at its server, and nobody has recorded it. */
  adopt(session: Session): void {
    if (this.#over.has(sessionId(session))) return
    this.#options.shelf.put(session)
    this.#begin(session)
    this.#unconfirmed.delete(sessionId(session))
  }

  /** A record of any replica, this one too; `start`: it was there when this replica came. */
  stored(session: Session, when: 'start' | 'now'): void {
    const id = sessionId(session)
    if (this.#over.has(id)) {
      const departure = this.#over.get(id)
      this.#over.set(id, undefined, this.#options.nowMs())
      if (departure !== undefined) this.#close(session, departure)
      return
    }
    const known = this.open.get(id)
    if (known !== undefined && !supersedes(session, known)) {
      if (session.adopted && !known.adopted) this.#options.shelf.put(known)
      return
    }
    this.#begin(session)
    if (when === 'start') this.#unconfirmed.delete(id) // All servers are asked for theirs then.
  }

  /** Somebody has written down that it is over. */
  erased(id: SessionId): void {
    const leaving = this.#leaving.get(id)
    if (leaving !== undefined) {
      if (leaving.by === 'elsewhere' && leaving.departure !== undefined) this.#leaving.delete(id)
      return
    }
    const session = this.#forget(id)
    if (session !== undefined)
      this.#leave(session, { departure: undefined, by: 'elsewhere', reason: UNKNOWN })
  }

  /** A server tells all replicas that it has this connection. */
  connected(arrival: Arrival): void {
    this.#there(arrival, 'owner')
  }

  /** A server that was asked has told this replica alone. */
  found(arrival: Arrival): void {
    this.#there(arrival, 'here')
  }

  /** A server has closed this connection. */
  disconnected(connection: Connection, departure: Departure): void {
    const id = sessionId(connection)
    const leaving = this.#leaving.get(id)
    if (leaving !== undefined) {
      if (leaving.departure !== undefined) return
      this.#leaving.delete(id)
      this.#tellEnd(leaving.session, departure, leaving.by)
      return
    }
    const isKnown = this.#over.has(id)
    const session = this.#forget(id)
    if (session !== undefined) this.#close(session, departure)
    else if (!isKnown) this.#over.set(id, departure, this.#options.nowMs())
  }

  /** This replica ends it, or has seen it end. How it went its server may tell in a moment. */
  end(id: SessionId, reason: string = UNKNOWN): Session | undefined {
    const session = this.#forget(id)
    if (session === undefined) return undefined
    this.#options.shelf.remove(session)
    this.#leave(session, { departure: undefined, by: 'here', reason })
    return session
  }

  /** It is not there any more, and no server will tell how it went. */
  gone(id: SessionId, reason: string): void {
    const session = this.#forget(id)
    if (session === undefined) return
    this.#options.shelf.remove(session)
    this.#tellEnd(session, { reason, at: this.#now() }, 'here')
  }

  /** Nobody has stored it any more: its mark has gone by before this replica came back. */
  lost(id: SessionId): void {
    const session = this.#forget(id)
    if (session === undefined) return
    this.#over.delete(id) // It may be told of yet, by a server that is behind.
    this.#tellEnd(session, { reason: UNKNOWN, at: this.#now() }, 'elsewhere')
  }

  /** Whether a server has it is to be asked again. */
  doubt(session: Session): void {
    const id = sessionId(session)
    if (this.open.get(id) === session) this.#unconfirmed.set(id, session, this.#options.nowMs())
  }

  /** Does what has waited long enough, and says what is to be asked. To be called every second or so. */
  tick(): Doubts {
    const nowMs = this.#options.nowMs()
    this.#over.takeBefore(nowMs - OVER_MS)
    const factless = [...this.#leaving.before(nowMs - FACTS_MS_MAX)].filter((each) => !each.departure)
    for (const { session, by, reason } of factless) {
      this.#leaving.delete(sessionId(session))
      this.#tellEnd(session, { reason, at: this.#now() }, by)
    }
    for (const { session, departure } of this.#leaving.takeBefore(nowMs - MARK_MS_MAX)) {
      this.#options.shelf.remove(session)
      if (departure !== undefined) for (const tell of this.#tellers) tell(session, departure)
    }
    const { owns } = this.#options
    return {
      unconfirmed: this.#unconfirmed
        .takeBefore(nowMs - ARRIVAL_MS_MAX)
        .filter((each) => owns(sessionId(each))),
      strangers: this.#strangers
        .takeBefore(nowMs - RECORD_MS_MAX)
        .flatMap(({ arrival, by }) => (by === 'here' || owns(sessionId(arrival)) ? [arrival] : [])),
    }
  }

  #there(arrival: Arrival, by: Stranger['by']): void {
    const id = sessionId(arrival)
    this.#unconfirmed.delete(id)
    if (this.open.get(id) !== undefined || this.#over.has(id)) return
    if (this.#strangers.get(id)?.by !== by) this.#strangers.set(id, { arrival, by }, this.#options.nowMs())
  }

  #begin(session: Session): void {
    const id = sessionId(session)
    const isConfirmed = this.#strangers.delete(id) || this.open.get(id) !== undefined
    // Of leaf nodes servers tell the end alone.
    if (!isConfirmed && session.client.kind !== LEAF_NODE)
      this.#unconfirmed.set(id, session, this.#options.nowMs())
    this.open.add(session)
    for (const listener of this.#sessionListeners) listener(session)
  }

  /** Takes it out of what is open, for good. */
  #forget(id: SessionId): Session | undefined {
    this.#unconfirmed.delete(id)
    this.#strangers.delete(id)
    const session = this.open.remove(id)
    if (session !== undefined) this.#over.set(id, undefined, this.#options.nowMs())
    return session
  }

  /** How it went is known: the one that it falls to writes it down. */
  #close(session: Session, departure: Departure): void {
    const by = this.#options.owns(sessionId(session)) ? 'here' : 'elsewhere'
    if (by === 'here') this.#options.shelf.remove(session)
    else this.#leave(session, { departure, by, reason: departure.reason })
    this.#tellEnd(session, departure, by)
  }

  #leave(session: Session, how: Omit<Leaving, 'session'>): void {
    this.#leaving.set(sessionId(session), { session, ...how }, this.#options.nowMs())
  }

  #tellEnd(session: Session, departure: Departure, by: Leaving['by']): void {
    for (const listener of this.#endListeners) listener(session, departure)
    if (by === 'here') for (const tell of this.#tellers) tell(session, departure)
  }

  #now(): string {
    return new Date(this.#options.nowMs()).toISOString()
  }
}

/** Of two records of one connection: the newer decision, and what was recorded before what was found. */
function supersedes(session: Session, known: Session): boolean {
  if (session.adopted !== known.adopted) return known.adopted === true
  return session.decision !== known.decision && session.since >= known.since
}
