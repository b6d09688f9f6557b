import type { SessionId } from '../sessions/session.ts'

/**
 * Asks the servers for the connections of a user that are open, or for those that have been closed, as far as they
 * remember. Throws `unavailable` when not all of them answer in time.
 */
export type LiveSessions = (
  account: string,
  userName: string,
  state: 'open' | 'closed',
) => Promise<ReadonlySet<SessionId>>

/** A server shows a connection within this time of our answer, or its client has given up. */
export const ARRIVAL_MS_MAX = 2_000

/** A connection that somebody was let in with. */
export interface Place {
  readonly id: SessionId
  /** When it was let in. */
  readonly sinceMs: number
}

/** Whose connections are meant, and when it is asked. */
interface Whose {
  readonly account: string
  readonly name: string
  readonly nowMs: number
}

/** Which connections of a user are there. */
export interface Presence<Known extends Place> {
  /** Of those that were asked about: whom the servers show, and whom they do not show yet. */
  readonly there: readonly Known[]
  /** Everything that the servers show, known or not. */
  readonly live: ReadonlySet<SessionId>
  /** Is one of them only on its way? It may never arrive. */
  readonly isArriving: boolean
}

/** Asks the servers which of the connections that we know of are really there. Throws as `LiveSessions` does. */
export async function presenceOf<Known extends Place>(
  places: readonly Known[],
  { account, name, nowMs }: Whose,
  liveSessions: LiveSessions,
): Promise<Presence<Known>> {
  const live = await liveSessions(account, name, 'open')
  const arriving = new Set(
    places.filter(({ id, sinceMs }) => !live.has(id) && nowMs - sinceMs < ARRIVAL_MS_MAX),
  )
  const closed = arriving.size === 0 ? new Set<SessionId>() : await liveSessions(account, name, 'closed')
  for (const place of arriving) if (closed.has(place.id)) arriving.delete(place)
  const there = places.filter((place) => live.has(place.id) || arriving.has(place))
  return { there, live, isArriving: arriving.size > 0 }
}
