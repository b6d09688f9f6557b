import type { Account } from '../domain/account.ts'
import type { SubjectKind } from '../domain/exchange.ts'
import type { Fault } from '../errors.ts'

/** The right of one account to import what another exports privately. */
export interface Activation {
  /** The A… key of the account it is for. */
  readonly importer: string
  readonly type: SubjectKind
  readonly subject: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds since the epoch. Absent: for good. */
  readonly expiresAt?: number | undefined
}

/** An activation as somebody shows it. Its signature is its issuer's; whether that issuer counts is another matter. */
export interface SignedActivation extends Activation {
  /** The key that signed. */
  readonly signedBy: string
  /** The account that key signs for; absent when it is the account's own. */
  readonly issuerAccount?: string | undefined
  /** Seconds since the epoch. Absent: at once. */
  readonly notBefore?: number | undefined
}

/** What accounts are to servers: they are in JWTs, which commands do not see. */
export interface AccountJwts {
  /** Every rule of nats-server that the account would break as it is, by field: `exports[2].subject`. */
  faults(account: Account): readonly Fault[]
  /** What an activation says; undefined when it is none. */
  readActivation(token: string): SignedActivation | undefined
  /** Signed by the newest signing key of the exporting account. Throws `unavailable` when it cannot be had. */
  signActivation(exporter: Account, activation: Activation): Promise<string>
}

/** What only the servers know of an account. Each throws `unavailable` when not all of them answer. */
export interface AccountServers {
  /** How many streams it has in JetStream. */
  streamsOf(account: string): Promise<number>
  /** How many connections each user has now, by name: of the whole account, or of one user. Leaf nodes do not count. */
  connectionsOf(account: string, user?: string): Promise<ReadonlyMap<string, number>>
}
