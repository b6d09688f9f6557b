import type { NatsConnection } from '@nats-io/transport-node'
import { refusalEvent, type Refusal } from '../admin/event-refusal.ts'
import type { Stamp } from '../admin/event.ts'
import type { AuditEvent } from '../admin/transaction.ts'
import type { Observer } from '../callout/callout.ts'
import { Denial } from '../callout/reason.ts'
import type { Lockout } from '../domain/lockout.ts'
import type { Departure } from '../sessions/presence.ts'
import { correlationOf, type Session } from '../sessions/session.ts'
import { hash32 } from '../sessions/share.ts'
import { failedLoginEvent, lockedOutEvent, loginEvent, type FailedLogin, type Login } from './event-logins.ts'
import { kickEvent, reexaminationEvent, type Kick, type Reexamination } from './event-kicks.ts'
import { EventOutbox } from './event-outbox.ts'
import { EventBounds, type BoundsOptions } from './event-quota.ts'
import { logoutEvent, type Logout } from './event-sessions.ts'

/** Callers, users and sources that are counted at a time. */
const KEYS_MAX = 10_000
/** What is beyond these is summed up this often. */
const SUMMARY_MS = 300_000

/** A week of nothing else is some 10,000 events of one caller or source, of all of them together some 25,000. */
const overall = { burst: 5_000, refillMs: 30_000 }
/** A caller is known, and a script that goes wrong wants to be read. */
const REFUSALS: BoundsOptions = { perKey: { burst: 1_000, refillMs: 60_000, keysMax: KEYS_MAX }, overall }
const FAILED_LOGINS: BoundsOptions = { perKey: { burst: 100, refillMs: 60_000, keysMax: KEYS_MAX }, overall }
/** Whoever knows many names can have as many users locked out. */
const LOCKOUTS: BoundsOptions = { perKey: { burst: 100, refillMs: 60_000, keysMax: KEYS_MAX }, overall }
/** Per user only: a large system has many logins, and wants to see them. */
const LOGINS: BoundsOptions = { perKey: { burst: 1_000, refillMs: 60_000, keysMax: KEYS_MAX } }

export interface RecorderOptions {
  /** Hears of every event that was lost. */
  readonly onLost: (error: unknown) => void
  readonly now: () => Date
  readonly nextId: () => string
  readonly version: string
  readonly environment?: string | undefined
  /** The decision of a session that was cut off, and goes on with this one. */
  readonly continued: (...login: Parameters<Observer['admitted']>) => string | undefined
  /** Of how many sessions, from 0 to 1, comings and goings are told. Absent: of all. */
  readonly sample?: number | undefined
}

/**
 * Takes down what belongs to no commit: refused commands, and connections. Nothing here waits, fails or is felt by
 * whoever it is about; what comes too often is summed up in one event with a count.
 */
export class EventRecorder implements AsyncDisposable, Observer {
  readonly #options: RecorderOptions
  readonly #outbox: EventOutbox
  readonly #refusals: EventBounds<Refusal>
  readonly #logins: EventBounds<Login>
  readonly #logouts: EventBounds<Logout>
  readonly #failedLogins: EventBounds<FailedLogin>
  readonly #lockouts: EventBounds<Lockout>
  readonly #kicks: EventBounds<Kick>
  readonly #timer: NodeJS.Timeout

  constructor(nc: NatsConnection, options: RecorderOptions) {
    this.#options = options
    this.#outbox = new EventOutbox(nc, options)
    const publish =
      <Item>(build: (item: Item, count: number, stamp: Stamp) => AuditEvent) =>
      (item: Item, count: number): void =>
        this.#outbox.put(build(item, count, this.#stamp()))
    this.#refusals = new EventBounds<Refusal>(
      {
        keysOf: ({ actor }) => [actor === undefined ? '' : `${actor.account} ${actor.user}`],
        publish: publish(refusalEvent),
        anonymous: ({ actor: _actor, payload: _payload, ...refusal }) => refusal,
      },
      REFUSALS,
    )
    this.#logins = new EventBounds<Login>(
      {
        keysOf: ({ admitted }) => [admitted.user.id],
        publish: publish(loginEvent),
        anonymous: () => undefined,
      },
      LOGINS,
    )
    this.#logouts = new EventBounds<Logout>(
      {
        keysOf: ({ session }) => [session.user],
        publish: publish(logoutEvent),
        anonymous: () => undefined,
      },
      LOGINS,
    )
    this.#failedLogins = new EventBounds<FailedLogin>(
      {
        keysOf: ({ request, denial }) => [
          `ip ${request.claims.nats.client_info.host ?? ''} ${denial.named?.user.account ?? ''}`,
          ...(denial.named === undefined ? [] : [`user ${denial.named.user.id}`]),
        ],
        publish: publish(failedLoginEvent),
        anonymous: ({ request, denial }) => ({ request, denial: new Denial(denial.reason) }),
      },
      FAILED_LOGINS,
    )
    this.#lockouts = new EventBounds<Lockout>(
      {
        keysOf: ({ user, source = '' }) => [`user ${user}`, `source ${source}`],
        publish: publish(lockedOutEvent),
        anonymous: () => undefined,
      },
      LOCKOUTS,
    )
    this.#kicks = new EventBounds<Kick>(
      {
        keysOf: ({ session }) => [`${session.account} ${session.user}`],
        publish: publish(kickEvent),
        anonymous: () => undefined,
      },
      LOGINS,
    )
    this.#timer = setInterval(() => this.#release(), SUMMARY_MS)
    this.#timer.unref()
  }

  refused(refusal: Refusal): void {
    this.#refusals.offer(refusal, this.#options.now().getTime())
  }

  admitted(...login: Parameters<Observer['admitted']>): void {
    const { continued, sample, now } = this.#options
    const [request, admitted] = login
    const previous = continued(...login)
    if (this.#isTold(request.claims.nats.user_nkey))
      this.#logins.offer({ request, admitted, previous, sample }, now().getTime())
  }

  /** A session is over. To be told by one replica. */
  ended(session: Session, departure: Departure): void {
    const { sample, now } = this.#options
    if (this.#isTold(correlationOf(session)))
      this.#logouts.offer({ session, departure, sample }, now().getTime())
  }

  denied(...[request, denial]: Parameters<Observer['denied']>): void {
    this.#failedLogins.offer({ request, denial }, this.#options.now().getTime())
  }

  /** Who is in already does not log in. */
  resumed(): void {}

  lockedOut(lockout: Lockout): void {
    this.#lockouts.offer(lockout, this.#options.now().getTime())
  }

  /** A session was ended here. */
  kicked(kick: Kick): void {
    this.#kicks.offer(kick, this.#options.now().getTime())
  }

  /** What a change came to for the sessions of all replicas. One for each command at most. */
  reexamined(reexamination: Reexamination): void {
    this.#outbox.put(reexaminationEvent(reexamination, this.#stamp()))
  }

  /** Nobody trustworthy asked: counted, and nothing that anybody could be told. */
  dropped(): void {}

  /** What was held back is published, and waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#release()
    await this.#outbox[Symbol.asyncDispose]()
  }

  /** Of a session all is told or nothing, by whichever replica. */
  #isTold(decision: string): boolean {
    const { sample } = this.#options
    return sample === undefined || hash32(decision) / 2 ** 32 < sample
  }

  #stamp(): Stamp {
    const { now, nextId, version, environment } = this.#options
    return { id: nextId(), at: now().toISOString(), version, environment }
  }

  #release(): void {
    const all = [this.#refusals, this.#logins, this.#logouts, this.#failedLogins, this.#lockouts, this.#kicks]
    for (const bounds of all) bounds.release()
  }
}
