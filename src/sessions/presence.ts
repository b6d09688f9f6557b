import type { Connection, SessionClient } from './session.ts'

/** A connection that its server tells of (CONNECT, CONNZ: reference D). */
export interface Arrival extends Connection {
  /** The A… key. */
  readonly account: string
  /** Of the user, as its JWT says. */
  readonly name: string
  readonly client: SessionClient
  /** RFC 3339. */
  readonly since: string
}

export interface Traffic {
  readonly messages: number
  readonly bytes: number
}

/** How a connection ended: as its server tells (DISCONNECT), or as much as anybody knows. */
export interface Departure {
  /** In the words of nats-server (`Client Closed`, `Kicked`, …), or one of ours. */
  readonly reason: string
  /** RFC 3339. */
  readonly at: string
  /** By the client. Absent when nobody counted. */
  readonly sent?: Traffic | undefined
  readonly received?: Traffic | undefined
}

/** Reasons that no server told. */
export const SERVER_GONE = 'Server Gone'
/** By anybody; in the words of nats-server. */
export const KICKED = 'Kicked'
export const UNKNOWN = 'Unknown'
