import { KICKED, type Departure } from './presence.ts'
import { loginOf, type Session } from './session.ts'

/** A client that was cut off comes back within this time. */
const BACK_MS_MAX = 30_000
/** Kinds of clients that are remembered, and sessions of each. */
const KEYS_MAX = 10_000
const SESSIONS_MAX = 100

/** In the words of nats-server: the JWT was over, or somebody (most often Gatehouse) has closed the connection. */
const CUT_OFF: ReadonlySet<string> = new Set(['Authentication Expired', KICKED])

/** What makes a new connection one that goes on: the same user, by the same credential, from the same client. */
export type Continuing = Pick<Session, 'user' | 'credential' | 'client'>

/** Sessions that were cut off a moment ago, and whose clients will be back. */
export class Lately {
  readonly #cut = new Map<string, { readonly decision: string; readonly atMs: number }[]>()

  ended(session: Session, { reason }: Departure, nowMs: number): void {
    const decision = loginOf(session)
    if (!CUT_OFF.has(reason) || decision === undefined) return
    const key = keyOf(session)
    const cut = this.#cut.get(key) ?? []
    this.#cut.delete(key)
    const [oldest] = this.#cut.size >= KEYS_MAX ? this.#cut.keys() : []
    if (oldest !== undefined) this.#cut.delete(oldest)
    this.#cut.set(key, [...cut.slice(-SESSIONS_MAX + 1), { decision, atMs: nowMs }])
  }

  /** The decision of the session that this one goes on from, if there is one. No two go on from the same. */
  continued(by: Continuing, nowMs: number): string | undefined {
    const key = keyOf(by)
    const [first, ...others] = (this.#cut.get(key) ?? []).filter(({ atMs }) => nowMs - atMs <= BACK_MS_MAX)
    if (others.length === 0) this.#cut.delete(key)
    else this.#cut.set(key, others)
    return first?.decision
  }
}

function keyOf({ user, credential, client: { host, mqtt_id, name } }: Continuing): string {
  return [user, credential, host, mqtt_id ?? '', name ?? ''].join(' ')
}
