import type { NatsConnection } from '@nats-io/transport-node'
import type { Arrival, Departure, Traffic } from '../sessions/presence.ts'
import type { Connection } from '../sessions/session.ts'

/** Whoever wants to know who comes and goes, on every server. */
export interface SessionEvents {
  connected(arrival: Arrival): void
  disconnected(connection: Connection, departure: Departure): void
  shutDown(server: string): void
}

/** Which connections may be ours. */
export interface Ours {
  /** Of the service itself; whoever is being asked who he is counts as one of it, until there is an answer. */
  readonly calloutAccount: string
  /** One that Gatehouse keeps. */
  readonly isAccount: (id: string) => boolean
}

/** CONNECT and DISCONNECT (reference D). */
interface ClientEvent {
  readonly timestamp: string
  readonly server: { readonly id: string }
  readonly client: {
    readonly id: number
    readonly acc?: string
    readonly user?: string
    readonly start?: string
    readonly host?: string
    readonly kind?: string
    readonly client_type?: string
    readonly client_id?: string
    readonly name?: string
    readonly lang?: string
    readonly ver?: string
    /** Of those who came with a user JWT of their own, and were not asked about. */
    readonly jwt?: string
  }
  readonly reason?: string
  readonly sent?: Counts
  readonly received?: Counts
}

interface Counts {
  readonly msgs?: number
  readonly bytes?: number
}

/** Tells of every connection of ours, from now on and for as long as the service is connected. */
export function followSessions(nc: NatsConnection, ours: Ours, events: SessionEvents): void {
  hear(nc, '$SYS.ACCOUNT.*.CONNECT', (event) => {
    const arrival = arrivalOf(event as ClientEvent, ours)
    if (arrival !== undefined) events.connected(arrival)
  })
  hear(nc, '$SYS.ACCOUNT.*.DISCONNECT', (event) => {
    const { server, client, timestamp, reason = '', sent, received } = event as ClientEvent
    if (client.jwt !== undefined && client.acc !== ours.calloutAccount) return
    const departure = { reason, at: timestamp, sent: trafficOf(sent), received: trafficOf(received) }
    events.disconnected({ server: server.id, cid: client.id }, departure)
  })
  hear(nc, '$SYS.SERVER.*.SHUTDOWN', (event) => {
    events.shutDown((event as { readonly server: { readonly id: string } }).server.id)
  })
}

function hear(nc: NatsConnection, subject: string, tell: (event: unknown) => void): void {
  nc.subscribe(subject, {
    callback: (error, message) => {
      if (error === null) tell(message.json())
    },
  })
}

function arrivalOf({ server, client, timestamp }: ClientEvent, ours: Ours): Arrival | undefined {
  const { acc, user, jwt } = client
  if (jwt !== undefined || acc === undefined || user === undefined || !isOurs(acc, ours)) return undefined
  return {
    server: server.id,
    cid: client.id,
    account: acc,
    name: user,
    since: client.start ?? timestamp,
    client: {
      host: client.host,
      kind: client.kind,
      type: client.client_type,
      mqtt_id: client.client_id,
      name: client.name,
      lang: client.lang,
      version: client.ver,
    },
  }
}

export function isOurs(account: string, { calloutAccount, isAccount }: Ours): boolean {
  return account !== calloutAccount && isAccount(account)
}

/** nats-server counts from the client's side: `sent` is what the client sent. */
function trafficOf(counts: Counts | undefined): Traffic | undefined {
  return counts && { messages: counts.msgs ?? 0, bytes: counts.bytes ?? 0 }
}
