import type { Departure } from './presence.ts'
import { NOBODY, type Session } from './session.ts'

/** A user that comes and goes a hundred times within this time is written once. */
const WRITE_MS = 60_000
/** What began before is not news: a replica that comes reads it of all sessions there are. */
const NEWS_MS = 300_000
/** Users that wait to be written, and deleted ones that are remembered. */
const WAITING_MAX = 100_000
const DELETED_MAX = 10_000

/** When a user was last seen. Times are RFC 3339. */
export interface LastSeen {
  /** When it was last connected. */
  readonly active?: string | undefined
  /** By the id of the credential: when it last let somebody in. */
  readonly used: Readonly<Record<string, string>>
}

/** Where it is kept, by account and user. */
export interface ActivityShelf {
  get(account: string, user: string): Promise<LastSeen | undefined>
  put(account: string, user: string, seen: LastSeen): void
  remove(account: string, user: string): void
}

export interface ActivityOptions {
  readonly shelf: ActivityShelf
  /** Is it for this replica to see to? */
  readonly owns: (user: string) => boolean
  readonly nowMs: () => number
  readonly onError: (error: unknown) => void
  /** Milliseconds between two writes. */
  readonly everyMs?: number
}

/** Of whom nothing is known. */
export const UNSEEN: LastSeen = { used: {} }

/** Notes when users were last connected, and their credentials last used: from sessions, once in a while for each. */
export class Activity implements AsyncDisposable {
  readonly #options: ActivityOptions
  readonly #waiting = new Map<string, { readonly account: string; readonly user: string; seen: LastSeen }>()
  readonly #deleted = new Set<string>()
  readonly #timer: NodeJS.Timeout
  #writing: Promise<void> = Promise.resolve()

  constructor(options: ActivityOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.write(), options.everyMs ?? WRITE_MS)
  }

  began(session: Session): void {
    const { account, user, since } = session
    if (this.#options.nowMs() - Date.parse(since) <= NEWS_MS)
      this.#note(account, user, whileOpen(session, since))
  }

  ended({ account, user }: Session, { at }: Departure): void {
    this.#note(account, user, { active: new Date(at).toISOString(), used: {} })
  }

  /** The user is no more, and with it goes what is known of it. */
  deleted(account: string, user: string): void {
    this.#waiting.delete(keyOf(account, user))
    this.#deleted.add(keyOf(account, user))
    const [oldest] = this.#deleted.size > DELETED_MAX ? this.#deleted : []
    if (oldest !== undefined) this.#deleted.delete(oldest)
    if (this.#options.owns(user)) this.#options.shelf.remove(account, user)
  }

  /** What is stored of the user, and what is not stored yet. */
  async of(account: string, user: string): Promise<LastSeen> {
    const stored = await this.#options.shelf.get(account, user)
    return later(stored ?? UNSEEN, this.#waiting.get(keyOf(account, user))?.seen ?? UNSEEN)
  }

  /** Writes what waits and falls to this replica. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeAll())
    return this.#writing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    await this.write()
  }

  async #writeAll(): Promise<void> {
    const { shelf, owns, onError } = this.#options
    const waiting = [...this.#waiting]
    for (const [key, { account, user, seen }] of waiting) {
      try {
        if (owns(user)) shelf.put(account, user, later((await shelf.get(account, user)) ?? UNSEEN, seen))
        if (this.#waiting.get(key)?.seen === seen) this.#waiting.delete(key)
      } catch (error) {
        onError(error) // It waits for the next time, as all after it.
        return
      }
    }
  }

  #note(account: string, user: string, seen: LastSeen): void {
    const key = keyOf(account, user)
    if (user === NOBODY || this.#deleted.has(key)) return
    const known = this.#waiting.get(key)
    const [oldest] = known === undefined && this.#waiting.size >= WAITING_MAX ? this.#waiting.keys() : []
    if (oldest !== undefined) this.#waiting.delete(oldest)
    this.#waiting.set(key, { account, user, seen: later(known?.seen ?? UNSEEN, seen) })
  }
}

/** What an open session says of its user at that time. */
export function whileOpen({ credential, since }: Session, at: string): LastSeen {
  return { active: at, used: credential === '' ? {} : { [credential]: new Date(since).toISOString() } }
}

function keyOf(account: string, user: string): string {
  return `${account}.${user}`
}

/** Of both the later of everything. */
export function later(one: LastSeen, other: LastSeen): LastSeen {
  const used = { ...one.used }
  for (const [credential, at] of Object.entries(other.used)) used[credential] = latest(used[credential], at)
  const active = other.active === undefined ? one.active : latest(one.active, other.active)
  return { ...(active !== undefined && { active }), used }
}

/** RFC 3339 in UTC and of one length is in order as text. */
function latest(one: string | undefined, other: string): string {
  return one !== undefined && one > other ? one : other
}
