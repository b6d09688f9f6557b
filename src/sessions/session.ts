import type { PolicyAt } from '../domain/basis.ts'
import type { Seen } from './seen.ts'

/** The id of the server that has the connection, and its number there (KICK, reference D). */
export interface Connection {
  readonly server: string
  readonly cid: number
}

/** Of the client, as its server says (`client_info`, reference A.3): what the door asks about. */
export interface SessionClient {
  readonly host?: string | undefined
  readonly kind?: string | undefined
  readonly type?: string | undefined
  readonly mqtt_id?: string | undefined
  /** As the client says. */
  readonly name?: string | undefined
  readonly lang?: string | undefined
  readonly version?: string | undefined
}

/** One live connection: who, by what, with which grant (architecture section 7). */
export interface Session extends Connection {
  /** The A… key. */
  readonly account: string
  /** The id of the user, and its name. */
  readonly user: string
  readonly name: string
  /** The id of the credential. */
  readonly credential: string
  /** The id of the decision that let it in: the one-time key of the connection (`user_nkey`). */
  readonly decision: string
  /** The decision of its login, where its server has asked again since (`decision` is the last one). */
  readonly login?: string | undefined
  /** The whole grant, and that part of it which is in the JWT: hashes, equal when they say the same. */
  readonly grantHash: string
  readonly permissionsHash: string
  readonly policies: readonly PolicyAt[]
  /** Ids of the user's roles. Those within them are not named. */
  readonly roles: readonly string[]
  readonly client: SessionClient
  /** RFC 3339. */
  readonly since: string
  /** RFC 3339: when its JWT ends. Absent when it may last. */
  readonly until?: string | undefined
  /** The state it was decided on. */
  readonly seen: Seen
  /**
   * It was found at its server, and no replica has recorded it: nobody knows what let it in. Then `credential`,
   * `decision` and the hashes are empty, and `user` is `NOBODY` where its account has no user of that name.
   */
  readonly adopted?: true | undefined
}

/** The `kind` of a client that is a leaf node. CONNZ does not show them. */
export const LEAF_NODE = 'Leafnode'

/** No id is like it. */
export const NOBODY = '-'

/** One word for a connection. */
export type SessionId = `${string}.${number}`

export function sessionId({ server, cid }: Connection): SessionId {
  return `${server}.${cid}`
}

/** The decision that its login was told by; `undefined` where nobody knows it. */
export function loginOf({ login, decision }: Session): string | undefined {
  return login ?? (decision === '' ? undefined : decision)
}

/** What names it in events and logs: the decision of its login, where that is known. */
export function correlationOf(session: Session): string {
  return loginOf(session) ?? sessionId(session)
}

/** Where it is stored: by account and user, so that theirs are found together. */
export function sessionKey({ account, user, server, cid }: Session): string {
  return `${account}.${user}.${server}.${cid}`
}
