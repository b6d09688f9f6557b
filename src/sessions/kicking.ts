import type { Connection, Session } from './session.ts'

/** Closes connections: the client comes back by itself, and is asked who it is anew. */
export interface Kicking {
  /** `gone`: it was closed already. Throws `unavailable` when its server does not answer. */
  kick(connection: Connection): Promise<'kicked' | 'gone'>
}

/** Why sessions are ended, for events and the log. */
export interface Cause {
  /** A word of a closed list, as in `reason.ts` of the callout, or `command` for an admin's own wish. */
  readonly reason: string
  readonly detail?: string | undefined
  /** Of the change of the state that it follows from; 0 when it is not known which. */
  readonly revision?: number | undefined
  /** Of the command that it follows from, where it follows from one. */
  readonly correlationId?: string | undefined
  readonly actor?: { readonly account: string; readonly user: string } | undefined
}

/** What became of the sessions that a change was about. */
export interface Report {
  /** Sessions that have to end. */
  readonly affected: number
  /** Ended so far. */
  readonly kicked: number
  /** Still to be ended, at the pace that was configured. */
  readonly left: number
}

/** Ends sessions, each once whichever replica does it, and no faster than is good for those who come back. */
export interface Evictions {
  /** Resolves after a moment, with what was done until then; the rest goes on. */
  evict(sessions: readonly Session[], cause: Cause): Promise<Report>
}
