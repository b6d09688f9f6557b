import { ChangeLog, type ChangeRecord } from './change-log.ts'
import type { Evictor, Lane } from './evictor.ts'
import type { Cause } from './kicking.ts'
import type { OpenSessions } from './open-sessions.ts'
import { covers, type Seen } from './seen.ts'
import { sessionId, type Session, type SessionId } from './session.ts'
import { touchedBy, type Rests } from './touched.ts'
import type { Verdict } from './verdict.ts'

/** Sessions that are reconsidered at a time: each waits for a fetch of its user at most. */
const AT_ONCE_MAX = 16
/** What could not be asked is asked again after this long. */
const RETRY_MS = 1_000

export interface AuthorityOptions {
  readonly sessions: Pick<OpenSessions, 'get' | 'ofUser' | typeof Symbol.iterator>
  /** Is the session for this replica to see to? */
  readonly owns: (session: Session) => boolean
  /** What it would get now. */
  readonly judge: (session: Session, changed: ReadonlySet<string>) => Promise<Verdict>
  /** How far this replica has read. */
  readonly seen: () => Seen
  /**
   * Resolves when no replica will let anybody in on less than this, or after a while; and when everything that is
   * stored has been read here: of two changes the second may come first, for they travel on two ways.
   */
  readonly denied: (seen: Seen) => Promise<void>
  readonly evictor: Pick<Evictor, 'end' | 'spare'>
  /** Resolves when a reply that somebody waits for there is out; `undefined` where nobody does. */
  readonly answered: (session: Session) => Promise<void> | undefined
  /** Lets everything else that waits have its turn. */
  readonly breathe: () => Promise<void>
  readonly onError: (error: unknown) => void
}

type Broken = Extract<Verdict, { is: 'fell' | 'changed' }>

/** A session that waits to be reconsidered: for which keys, and for which changes that is counted. */
interface Item {
  readonly session: Session
  readonly keys: Set<string>
  readonly changes: Set<ChangeRecord>
}

/**
 * A decision is the promise that it still holds (architecture section 7). Follows the state, finds the sessions that a
 * change touches, and ends those whose promise does not hold any more: of its own share, which is another one whenever
 * replicas come and go. Nothing is remembered of what is under way: a replica that takes over asks anew.
 */
export class LiveAuthority implements Disposable {
  readonly changes = new ChangeLog()
  readonly #options: AuthorityOptions
  /** What a change touches goes before what is only looked after. */
  readonly #queues = { touched: new Map<SessionId, Item>(), swept: new Map<SessionId, Item>() }
  /** What a session rests on, where that is no longer what it began with. */
  readonly #rests = new WeakMap<Session, Rests>()
  /** Whose share they are. */
  readonly #own = new WeakSet<Session>()
  #denying: { readonly seen: Seen; readonly over: Promise<void> } | undefined
  #working = 0
  #isClosed = false

  constructor(options: AuthorityOptions) {
    this.#options = options
  }

  /** A key of the state has changed, and everything here answers so. */
  changed(key: string, revision: number): void {
    const touched = touchedBy(key, this.#options.sessions, (session) => this.#rests.get(session))
    const own = touched.filter((session) => this.#options.owns(session))
    if (own.length === 0) return
    const change = this.changes.begin(revision, own.length)
    for (const session of own)
      this.#wait('touched', session, { keys: new Set([key]), changes: new Set([change]) })
  }

  /** A session is new here. What it was decided on may have changed while it was on its way. */
  appeared(session: Session): void {
    if (!this.#options.owns(session)) return
    this.#own.add(session)
    if (session.adopted || !covers(session.seen, this.#options.seen())) this.#wait('touched', session)
  }

  /** To be called at the start, and whenever replicas have come or gone: takes over what is newly its own. */
  sweep(): void {
    for (const session of this.#options.sessions) {
      if (!this.#options.owns(session)) this.#own.delete(session)
      else if (!this.#own.has(session)) {
        this.#own.add(session)
        this.#wait('swept', session)
      }
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    for (const queue of Object.values(this.#queues)) queue.clear()
  }

  #wait(where: 'touched' | 'swept', session: Session, more: Partial<Item> = {}): void {
    const id = sessionId(session)
    const { touched, swept } = this.#queues
    const known = touched.get(id) ?? swept.get(id)
    const item: Item = {
      session,
      keys: new Set([...(known?.keys ?? []), ...(more.keys ?? [])]),
      changes: new Set([...(known?.changes ?? []), ...(more.changes ?? [])]),
    }
    const queue = touched.has(id) || where === 'touched' ? touched : swept
    swept.delete(id)
    queue.set(id, item)
    while (this.#working < Math.min(AT_ONCE_MAX, touched.size + swept.size)) void this.#work()
  }

  async #work(): Promise<void> {
    this.#working += 1
    for (let item = this.#next(); item !== undefined && !this.#isClosed; item = this.#next()) {
      await this.#reconsider(item)
      await this.#options.breathe()
    }
    this.#working -= 1
  }

  #next(): Item | undefined {
    for (const queue of Object.values(this.#queues)) {
      for (const [id, item] of queue) {
        queue.delete(id)
        return item
      }
    }
    return undefined
  }

  async #reconsider(item: Item): Promise<void> {
    const seen = this.#options.seen()
    const verdict = await this.#judge(item)
    if (verdict.is === 'fell' || verdict.is === 'changed') void this.#denyFirst(item, { verdict, seen })
    else this.#keep(item, verdict)
  }

  /** First nobody lets it in any more, then it is ended: or it would come back as what it was. */
  async #denyFirst(
    item: Item,
    { verdict, seen }: { readonly verdict: Broken; readonly seen: Seen },
  ): Promise<void> {
    if (this.#denying?.seen !== seen) this.#denying = { seen, over: this.#options.denied(seen) }
    await this.#denying.over
    const now = this.#options.seen() === seen ? verdict : await this.#judge(item)
    if (now.is === 'fell' || now.is === 'changed') this.#end(item, now)
    else this.#keep(item, now)
  }

  /** One that is over is nobody's. */
  async #judge({ session, keys }: Item): Promise<Verdict | { readonly is: 'over' }> {
    if (!this.#isOpen(session)) return { is: 'over' }
    try {
      return await this.#options.judge(session, keys)
    } catch (error) {
      this.#options.onError(error)
      return { is: 'unknown' }
    }
  }

  #keep(item: Item, verdict: Exclude<Verdict, Broken> | { readonly is: 'over' }): void {
    if (verdict.is === 'unknown') {
      setTimeout(() => this.#isClosed || this.#wait('touched', item.session, item), RETRY_MS).unref()
      return
    }
    if (verdict.is === 'holds') {
      this.#rests.set(item.session, verdict)
      this.#options.evictor.spare(item.session)
    }
    for (const change of item.changes) change.judged()
  }

  #end({ session, changes }: Item, verdict: Broken): void {
    const [cause, lane] = causeOf(verdict)
    const { evictor, answered } = this.#options
    const reply = answered(session)
    for (const { revision, tally } of changes.size === 0 ? [this.changes.unknown] : changes) {
      const ending = { cause: { ...cause, revision }, lane }
      if (reply === undefined) evictor.end(session, { ...ending, tally })
      else {
        tally.affects()
        tally.ended() // It will, and the reply must not wait for what waits for the reply.
        void reply.then(() => evictor.end(session, { ...ending, tally: this.changes.unknown.tally }))
      }
    }
    for (const change of changes) change.judged()
  }

  #isOpen(session: Session): boolean {
    return this.#options.sessions.get(sessionId(session))?.decision === session.decision
  }
}

/** Who must not be in goes at once; who comes back with something else comes back at a pace. */
function causeOf(verdict: Broken): readonly [Cause, Lane] {
  return verdict.is === 'fell'
    ? [{ reason: verdict.reason, detail: verdict.detail }, 'now']
    : [{ reason: 'grant_changed', detail: verdict.detail }, 'paced']
}
