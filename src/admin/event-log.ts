import type { AuditEvent } from './transaction.ts'

/** An event as it lies in the audit stream. */
export interface LoggedEvent extends AuditEvent {
  /** Its place in the stream. */
  readonly sequence: number
}

/** From where on to look: after a place, or, when that is 0, from a time on. */
export interface LogPosition {
  readonly after: number
  /** RFC 3339. */
  readonly since?: string | undefined
  readonly limit: number
  /** Of the JSON of all of them, in characters. One alone may have more. */
  readonly lengthMax: number
}

/** What was found from there on. */
export interface EventPage {
  readonly events: readonly LoggedEvent[]
  readonly isMore: boolean
}

/** What commands need of the audit stream. */
export interface EventLog {
  /** Events whose subject matches the filter, oldest first. Throws `unavailable`, or `busy` when too many read at once. */
  read(filter: string, from: LogPosition): Promise<EventPage>
}
