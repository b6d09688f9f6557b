import type { z } from 'zod'
import type { Account } from '../domain/account.ts'
import type { Grant } from '../domain/grant.ts'
import type { Operator } from '../domain/operator.ts'
import type { User } from '../domain/user.ts'
import type { Evictions } from '../sessions/kicking.ts'
import type { AccountJwts, AccountServers } from './account-jwts.ts'
import type { Reach } from './caller.ts'
import type { UserActivity } from './user-activity.ts'
import type { EventLog } from './event-log.ts'
import type { Lockouts } from './lockouts.ts'
import type { SessionRecords } from './session-records.ts'
import type { StateStore } from './state-store.ts'
import type { Actor, Transaction } from './transaction.ts'

/** Makes keys. The seed stays sealed: what comes out can be stored and tells nothing. */
export interface KeyRing {
  /** Why text is not a public key of that kind, checksum included, or `undefined`. The text is never part of it. */
  publicKeyFault(text: string, kind: 'account' | 'operator' | 'user'): string | undefined
  createAccountKey(): { readonly publicKey: string; readonly sealed: unknown }
  createOperatorKey(): { readonly publicKey: string; readonly sealed: unknown }
}

/** What only the running servers, and who has the root key, know of the operator. */
export interface OperatorTrust {
  /** Asks every server, now. Throws `unavailable` unless all of them answer. */
  seen(): Promise<TrustSeen>
  /**
   * The JWT that servers should be started with. Undefined where the root key is not at hand, and while accounts that
   * a revoked key signed are still being signed anew: a server that does not list the key would not take them.
   */
  jwt(operator: Operator): Promise<string | undefined>
}

/** Which operator signing keys the running servers were started with. */
export interface TrustSeen {
  /** Those that every server trusts. */
  readonly byAll: ReadonlySet<string>
  readonly servers: readonly { readonly name: string; readonly trusts: ReadonlySet<string> }[]
}

/** Whom a creds file is for. Times are RFC 3339. */
export interface CredsFor {
  readonly name: string
  readonly at: string
  readonly expiresAt?: string | undefined
}

/** Makes bearer tokens and turns secrets into what may be stored. */
export interface Secrets {
  /** 256 random bits as text, shown once, and the hash that is kept. */
  createToken(): { readonly token: string; readonly hash: string }
  /**
   * A creds file, shown once, and the public key that is kept. Its JWT ends with the credential, and names the
   * connection until the callout has said who it is.
   */
  createCreds(of: CredsFor): { readonly creds: string; readonly publicKey: string }
  /** A PHC string, made off the event loop. */
  hashPassword(password: string): Promise<string>
  /** Tells texts apart without telling them: SHA-256, hex. */
  digest(text: string): string
  /** For what must be told again and may not lie about in the clear: the answer to a command that is repeated. */
  seal(name: string, text: string): unknown
  open(sealed: unknown): string
}

/**
 * What the door would give somebody who connected now, from the memory it decides by: everybody may ask, so asking
 * is cheap. Throws what the door would say: `not_found`, `policy_missing`, `template_value_missing`,
 * `grant_too_large`.
 */
export type GrantOf = (actor: Actor) => Promise<{
  readonly account: Account
  readonly user: User
  readonly grant: Grant
}>

/** What a command may use. */
export interface Scene {
  readonly tx: Transaction
  readonly store: StateStore
  readonly keys: KeyRing
  readonly secrets: Secrets
  readonly trust: OperatorTrust
  readonly grantOf: GrantOf
  readonly jwts: AccountJwts
  readonly servers: AccountServers
  readonly events: EventLog
  readonly sessions: SessionRecords
  readonly evictions: Evictions
  readonly lockouts: Lockouts
  readonly lastSeen: UserActivity
  /** How far the caller's hand reaches: what lists show is bounded by it. */
  readonly reach: Reach
  readonly now: () => Date
  /** Lets everything else that waits have its turn: between the parts of long work. */
  readonly breathe: () => Promise<void>
}

/**
 * Who may send a command, as far as the policies of the caller let it publish the subject: admins of the system, who
 * live in ADMIN; with `account` the admins of an account too, for what is in their own; with `everyone` whoever asks.
 */
export type Access = 'admin' | 'account' | 'everyone'

/** A word, the fields that follow it, and what its exit code says, where that is an answer. */
export interface Line {
  readonly word: string
  readonly places: readonly string[]
  readonly exits?: string
}

/** What one subject `auth.v1.<name>` accepts, does, and answers. */
export interface Command<
  Request extends z.ZodObject = z.ZodObject,
  Response extends z.ZodObject = z.ZodObject,
> {
  /** `<aggregate>.<verb>` */
  readonly name: string
  readonly summary: string
  /** How the command line says it, where that is not `<aggregate> <verb>`. */
  readonly line?: Line | undefined
  /** Fields that follow it on the command line without a flag, though they may be left out. */
  readonly places?: readonly string[] | undefined
  readonly access: Access
  readonly request: Request
  /** What the reply says beside `revision` and `events`. */
  readonly response: Response
  /** A body that is accepted as it is written, for help, documentation and tests. */
  readonly example: z.input<Request>
  /** Changes the transaction. */
  handle(request: z.output<Request>, scene: Scene): Promise<Told<z.input<Response>>>
}

/** What is told is only read. */
type Told<Value> = Value extends readonly (infer Item)[]
  ? readonly Told<Item>[]
  : Value extends object
    ? { readonly [Field in keyof Value]: Told<Value[Field]> }
    : Value

/** A domain command before the receiver stamps it. */
export type Untimed<Command> = Command extends { readonly at: string } ? Omit<Command, 'at'> : never

/** Keeps the types of request and response between schemas and handler. */
export function command<Request extends z.ZodObject, Response extends z.ZodObject>(
  definition: Command<Request, Response>,
): Command<Request, Response> {
  return definition
}
