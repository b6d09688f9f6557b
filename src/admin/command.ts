import type { z } from 'zod'
import type { Account } from '../domain/account.ts'
import type { Grant } from '../domain/grant.ts'
import type { User } from '../domain/user.ts'
import type { Actor, Transaction } from './transaction.ts'

/** Makes keys. The seed stays sealed: what comes out can be stored and tells nothing. */
export interface KeyRing {
  createAccountKey(): { readonly publicKey: string; readonly sealed: unknown }
}

/** Makes bearer tokens and turns secrets into what may be stored. */
export interface Secrets {
  /** 256 random bits as text, shown once, and the hash that is kept. */
  createToken(): { readonly token: string; readonly hash: string }
  /** A PHC string, made off the event loop. */
  hashPassword(password: string): Promise<string>
}

/**
 * What the door would give somebody who connected now, from the memory it decides by: everybody may ask, so asking
 * is cheap. Throws what the door would say: `not_found`, `policy_missing`, `template_value_missing`.
 */
export type GrantOf = (actor: Actor) => Promise<{
  readonly account: Account
  readonly user: User
  readonly grant: Grant
}>

/** What a command may use. */
export interface Scene {
  readonly tx: Transaction
  readonly keys: KeyRing
  readonly secrets: Secrets
  readonly grantOf: GrantOf
}

/** What one subject `auth.v1.<name>` accepts and does. */
export interface Command<Request extends z.ZodType = z.ZodType> {
  /** `<aggregate>.<verb>` */
  readonly name: string
  readonly summary: string
  /** Who may send it: `admin` (the default) or whoever may publish its subject. */
  readonly access?: 'admin' | 'everyone'
  readonly request: Request
  /** Changes the transaction. What it returns goes into the reply beside revision and events. */
  handle(request: z.output<Request>, scene: Scene): Promise<Readonly<Record<string, unknown>>>
}

/** Keeps the request's type between schema and handler. */
export function command<Request extends z.ZodType>(definition: Command<Request>): Command<Request> {
  return definition
}
