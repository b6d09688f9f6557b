import { setTimeout as sleep } from 'node:timers/promises'
import { ByServer } from './by-server.ts'
import type { Cause, Evictions, Kicking, Report } from './kicking.ts'
import { Pace, type PaceOptions } from './pace.ts'
import { LEAF_NODE, sessionId, type Connection, type Session, type SessionId } from './session.ts'
import { Tally } from './tally.ts'

/**
 * KICKs under way at one server at a time. It answers in a millisecond or so: this is some thousands a second. One that
 * hangs holds up those of its own alone.
 */
const AT_SERVER_MAX = 32
/** A server that does not answer is asked again after this long, while it is not known to be gone. */
const RETRY_MS = 500
/** Whoever asks for evictions is told after this long at most what was done until then. */
const MOMENT_MS = 1_500
/** A server shows a leaf node under its number only once we have answered for it. */
const LEAF_ARRIVAL_MS = 3_000

export interface EvictorOptions {
  readonly kicking: Kicking
  readonly pace: PaceOptions
  /** How many replicas share the rate. */
  readonly replicas: () => number
  /** Is this connection still open, as far as is known? */
  readonly isOpen: (session: Session) => boolean
  readonly nowMs: () => number
  /** Hears of every connection that was closed here. */
  readonly onKicked: (session: Session, cause: Cause) => void
  /** Hears of every connection that was found closed. */
  readonly onGone: (session: Session) => void
  readonly onError: (error: unknown) => void
}

/**
 * `now`: what must not be is ended before anything else, as fast as servers answer. `paced`: those who come back at
 * once, and are let in, no faster than is good for everybody.
 */
export type Lane = 'now' | 'paced'

interface Eviction {
  readonly session: Session
  readonly cause: Cause
  readonly lane: Lane
  /** What somebody wishes does not pass when the state is as it was before. */
  readonly isWish: boolean
  readonly tallies: Set<Tally>
}

/** Why a session is ended, how soon, and where that is counted. */
export interface Ending {
  readonly cause: Cause
  readonly lane: Lane
  readonly tally: Tally
}

/**
 * Ends sessions. A number is never used again while its server runs, and the server closes a connection once: whoever
 * is answered first has kicked it, everybody else is told that it is gone. So two replicas that disagree about who is
 * to see to it need no claim between them.
 */
export class Evictor implements Evictions, Disposable {
  readonly #options: EvictorOptions
  readonly #pace: Pace
  readonly #lanes = { now: new ByServer<Eviction>(), paced: new ByServer<Eviction>() }
  readonly #underWay = new Map<SessionId, Eviction>()
  /** How many are under way at each server. */
  readonly #busy = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: EvictorOptions) {
    this.#options = options
    this.#pace = new Pace(options.pace)
  }

  async evict(sessions: readonly Session[], cause: Cause): Promise<Report> {
    const tally = new Tally()
    for (const session of sessions) this.#add(session, { cause, lane: 'paced', tally }, 'wish')
    let timer: NodeJS.Timeout | undefined
    const moment = new Promise((resolve) => {
      timer = setTimeout(resolve, MOMENT_MS)
    })
    await Promise.race([tally.over(), moment]).finally(() => clearTimeout(timer))
    return tally.report
  }

  /** Takes down that a change ends it. What is to be ended already is counted once more, in this tally. */
  end(session: Session, ending: Ending): void {
    this.#add(session, ending, 'change')
  }

  /** The change that was to end it is no more: it stays, unless that is under way, or somebody wishes it. */
  spare(connection: Connection): void {
    for (const lane of Object.values(this.#lanes)) {
      const eviction = lane.get(connection)
      if (eviction === undefined || eviction.isWish) continue
      lane.delete(connection)
      for (const tally of eviction.tallies) tally.spared()
    }
  }

  /** What is left is for other replicas to find. */
  [Symbol.dispose](): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const lane of Object.values(this.#lanes)) lane.clear()
  }

  #add(session: Session, { cause, lane, tally }: Ending, by: 'wish' | 'change'): void {
    if (this.#isClosed) return
    const id = sessionId(session)
    const known = this.#underWay.get(id) ?? this.#lanes.now.get(session) ?? this.#lanes.paced.get(session)
    const tallies = known?.tallies ?? new Set()
    if (!tallies.has(tally)) tally.affects()
    tallies.add(tally)
    if (this.#underWay.has(id) || known?.lane === 'now') return
    const isWish = by === 'wish' || known?.isWish === true
    if (known === undefined && lane === 'paced') this.#pace.waits()
    const next =
      known === undefined || lane === 'now' ? { session, cause, lane, isWish, tallies } : { ...known, isWish }
    if (next.lane === 'now') this.#lanes.paced.delete(session)
    this.#lanes[next.lane].set(session, next)
    this.#pump()
  }

  #pump(): void {
    while (!this.#isClosed) {
      const next = this.#next()
      if (next === undefined) return
      const { server } = next.session
      this.#busy.set(server, this.#under(server) + 1)
      void this.#close(next).finally(() => {
        this.#busy.set(server, this.#under(server) - 1)
        if (this.#under(server) === 0) this.#busy.delete(server)
        this.#pump()
      })
    }
  }

  #next(): Eviction | undefined {
    const { now, paced } = this.#lanes
    const isFree = (server: string): boolean => this.#under(server) < AT_SERVER_MAX
    const urgent = now.take(isFree)
    if (urgent !== undefined || paced.size === 0) return urgent
    const nowMs = this.#options.nowMs()
    const left = this.#pace.leftMs(nowMs)
    if (left > 0) {
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#pump(), Math.ceil(left))
      return undefined
    }
    const next = paced.take(isFree)
    if (next !== undefined)
      this.#pace.ends(nowMs, { replicas: this.#options.replicas(), waiting: paced.size })
    return next
  }

  #under(server: string): number {
    return this.#busy.get(server) ?? 0
  }

  /** Asks its server until that has answered, or it is known to be over. */
  async #close(eviction: Eviction): Promise<void> {
    const { session, cause, tallies } = eviction
    const { onKicked, onGone, isOpen } = this.#options
    const id = sessionId(session)
    this.#underWay.set(id, eviction)
    let outcome = await this.#kick(session)
    while (outcome === 'unanswered' && isOpen(session) && !this.#isClosed) {
      await sleep(RETRY_MS, undefined, { ref: false })
      outcome = await this.#kick(session)
    }
    this.#underWay.delete(id)
    if (outcome === 'kicked') onKicked(session, cause)
    else onGone(session)
    for (const tally of tallies) tally.ended()
  }

  async #kick(session: Session): Promise<'kicked' | 'gone' | 'unanswered'> {
    const { kicking, nowMs, onError } = this.#options
    try {
      const outcome = await kicking.kick(session)
      return outcome === 'gone' && isArriving(session, nowMs()) ? 'unanswered' : outcome
    } catch (error) {
      onError(error)
      return 'unanswered'
    }
  }
}

function isArriving({ client, since }: Session, nowMs: number): boolean {
  return client.kind === LEAF_NODE && nowMs - Date.parse(since) < LEAF_ARRIVAL_MS
}
