import type { Connection, Session, SessionId } from '../sessions/session.ts'
import type { Page } from './state-store.ts'

/** What a server says of a connection that it has. */
export interface Traffic {
  readonly messagesIn: number
  readonly messagesOut: number
  readonly bytesIn: number
  readonly bytesOut: number
  readonly subscriptions: number
  /** Bytes that the client has yet to take. */
  readonly pendingBytes: number
  /** Round trip between server and client, as Go writes a duration: `1.2ms`. Absent before the first PING. */
  readonly rtt?: string | undefined
  /** RFC 3339. */
  readonly lastActivity?: string | undefined
}

/** What commands need of who is connected. */
export interface SessionRecords {
  /**
   * Those that are stored under a filter over `<account>.<user>.<server>.<cid>`, in the order in which they were
   * recorded, whichever replica let them in. Throws `unavailable`, or `busy` when too many read at once.
   */
  page(filter: string, from: { readonly after: number; readonly limit: number }): Promise<Page>
  /** Known here, or stored. */
  get(id: SessionId): Promise<Session | undefined>
  /** All that are known here: a moment behind what is stored, and without a question to anybody. */
  open(): Iterable<Session>
  /** Asks the server that has it. `gone`: it has no such connection, or shows none (a leaf node). `unknown`: no answer. */
  traffic(connection: Connection): Promise<Traffic | 'gone' | 'unknown'>
}
