import { BoundedMap } from '../domain/bounded-map.ts'
import { isInForce, type FamiliarSource, type Lockout, type Whose } from '../domain/lockout.ts'
import { Quota } from '../domain/quota.ts'
import { FamiliarSources } from './familiar-sources.ts'
import { RecentFailures } from './recent-failures.ts'
import { TarPit } from './tar-pit.ts'
import { pairOf, ReportDraft, type ThrottleReport } from './throttle-report.ts'

export interface ThrottleOptions {
  /** Wrong passwords of one user from one source, within the window, that lock the user out there. */
  readonly failures: number
  /** Wrong passwords of one user from all sources together, within the window, that lock it out elsewhere. */
  readonly userFailures: number
  readonly windowMs: number
  /** How long a lockout lasts. */
  readonly lockoutMs: number
  /** Clients of one source that may fail to prove themselves at once; then one more after every `sourceRefillMs`. */
  readonly sourceFailures: number
  readonly sourceRefillMs: number
  /** Refusals that are not answered at a time, of sources that have none left. */
  readonly silentMax: number
}

export const THROTTLE: ThrottleOptions = {
  failures: 5,
  userFailures: 50,
  windowMs: 900_000,
  lockoutMs: 900_000,
  sourceFailures: 100,
  sourceRefillMs: 1_000,
  silentMax: 100,
}

/** Hears of what should outlast this process. */
export interface ThrottleKeeper {
  lockedOut(lockout: Lockout): void
  familiar(whose: Whose, sources: readonly FamiliarSource[]): void
}

/** Pairs of user and source, users, sources, and lockouts that are remembered at a time. Some 50 MB when all are. */
const PAIRS_MAX = 50_000
const USERS_MAX = 20_000
const SOURCES_MAX = 100_000
const LOCKOUTS_MAX = 50_000

/**
 * Counts what failed at the door, and says whose passwords are not looked at for a while. Everything is in memory and
 * bounded; replicas tell each other what they counted, and keep the lockouts they decide where all of them see it.
 *
 * A lockout of a user from every source does not hold where the user has logged in lately: nobody who has only its
 * name keeps it out.
 */
export class Throttle {
  readonly #options: ThrottleOptions
  readonly #keeper: ThrottleKeeper
  readonly #ofPairs: RecentFailures
  readonly #ofUsers: RecentFailures
  readonly #budgets: Quota
  readonly #familiar = new FamiliarSources()
  readonly #lockouts = new BoundedMap<Lockout>(LOCKOUTS_MAX)
  readonly #tarPit: TarPit
  readonly #draft = new ReportDraft()

  constructor(options: ThrottleOptions, keeper: ThrottleKeeper) {
    const { failures, userFailures, windowMs, sourceFailures, sourceRefillMs } = options
    this.#options = options
    this.#keeper = keeper
    this.#ofPairs = new RecentFailures({ enough: failures, windowMs, keysMax: PAIRS_MAX })
    this.#ofUsers = new RecentFailures({ enough: userFailures, windowMs, keysMax: USERS_MAX })
    this.#budgets = new Quota({ burst: sourceFailures, refillMs: sourceRefillMs, keysMax: SOURCES_MAX })
    this.#tarPit = new TarPit(options.silentMax)
  }

  /** What is remembered, of all kinds together. */
  get size(): number {
    return this.#ofPairs.size + this.#ofUsers.size + this.#budgets.size + this.#lockouts.size
  }

  /** What keeps the user's passwords out there, if anything does. */
  lockoutOf(user: string, source: string, nowMs: number): Lockout | undefined {
    const here = this.#inForce(pairOf(user, source), nowMs)
    if (here !== undefined || this.#familiar.has(user, source, nowMs)) return here
    return this.#inForce(user, nowMs)
  }

  /** Everything that is in force. */
  lockouts(nowMs: number): readonly Lockout[] {
    return [...this.#lockouts.entries()].flatMap(([, held]) => (isInForce(held, nowMs) ? [held] : []))
  }

  /** Have too many clients of the source failed to prove themselves? */
  isOverBudget(source: string, nowMs: number): boolean {
    return !this.#budgets.has(source, nowMs)
  }

  /** Has the user logged in from there with its password lately? */
  isFamiliar(user: string, source: string, nowMs: number): boolean {
    return this.#familiar.has(user, source, nowMs)
  }

  /** Has anybody? */
  isKnown(source: string, nowMs: number): boolean {
    return this.#familiar.isSomebodys(source, nowMs)
  }

  /** A password of the user was wrong. */
  failed(whose: Whose, source: string, nowMs: number): void {
    this.#draft.failure(whose, source)
    this.#count(whose, source, nowMs)
  }

  /** A password of the user was right. */
  loggedIn(whose: Whose, source: string, nowMs: number): void {
    this.#draft.login(whose.user, source)
    this.#ofPairs.forget(pairOf(whose.user, source))
    const sources = this.#familiar.add(whose.user, source, nowMs)
    if (sources !== undefined) this.#keeper.familiar(whose, sources)
  }

  /** A client did not prove itself. */
  refused(source: string, nowMs: number): void {
    this.#draft.refusal(source)
    this.#budgets.take(source, nowMs)
  }

  /** May the refusal of a client of that source go without an answer? It then takes a place until its server gives up. */
  staysSilent(source: string, untilMs: number, nowMs: number): boolean {
    return this.isOverBudget(source, nowMs) && this.#tarPit.take(untilMs, nowMs)
  }

  /** What others should hear; `undefined` where nothing happened since the last report. */
  report(): ThrottleReport | undefined {
    return this.#draft.take()
  }

  /** What another replica counted. */
  hear({ logins, failures, refusals }: ThrottleReport, nowMs: number): void {
    for (const { user, source } of logins) {
      this.#ofPairs.forget(pairOf(user, source))
      this.#familiar.merge(user, [{ source, atMs: nowMs }])
    }
    for (const { source, count, ...whose } of failures)
      for (let n = 0; n < count; n += 1) this.#count(whose, source, nowMs)
    for (const { source, count } of refusals) this.#budgets.take(source, nowMs, count)
  }

  /** A lockout that is kept: whoever decided it. */
  hold(lockout: Lockout): void {
    const { user, source } = lockout
    const key = source === undefined ? user : pairOf(user, source)
    this.#lockouts.set(key, lockout)
    if (source === undefined) this.#ofUsers.forget(user)
    else this.#ofPairs.forget(key)
  }

  /** Ends a lockout, and what was counted towards it. */
  release(user: string, source: string | undefined): void {
    const key = source === undefined ? user : pairOf(user, source)
    this.#lockouts.delete(key)
    if (source === undefined) this.#ofUsers.forget(user)
    else this.#ofPairs.forget(key)
  }

  /** Where failures of the user are counted, or it is locked out. */
  countedSources(user: string): readonly string[] {
    const prefix = pairOf(user, '')
    const keys = [...this.#ofPairs.keys(), ...[...this.#lockouts.entries()].map(([key]) => key)]
    const own = keys.filter((key) => key.startsWith(prefix))
    return [...new Set(own)].map((key) => key.slice(prefix.length))
  }

  /** Sources of the user that others know to be familiar. */
  learn(user: string, sources: readonly FamiliarSource[]): void {
    this.#familiar.merge(user, sources)
  }

  #count(whose: Whose, source: string, nowMs: number): void {
    const { user } = whose
    if (this.lockoutOf(user, source, nowMs) !== undefined) return // Nobody has looked at the password.
    const here = this.#ofPairs.add(pairOf(user, source), nowMs)
    const anywhere = this.#inForce(user, nowMs) === undefined ? this.#ofUsers.add(user, nowMs) : undefined
    if (here !== undefined) this.#lockOut({ ...whose, source, failures: here }, nowMs)
    if (anywhere !== undefined) this.#lockOut({ ...whose, failures: anywhere }, nowMs)
  }

  #lockOut(facts: Omit<Lockout, 'sinceMs' | 'untilMs'>, nowMs: number): void {
    const lockout = { ...facts, sinceMs: nowMs, untilMs: nowMs + this.#options.lockoutMs }
    this.hold(lockout)
    this.#keeper.lockedOut(lockout)
  }

  #inForce(key: string, nowMs: number): Lockout | undefined {
    const lockout = this.#lockouts.get(key)
    return lockout !== undefined && isInForce(lockout, nowMs) ? lockout : undefined
  }
}
