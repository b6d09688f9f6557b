import type { Account } from '../domain/account.ts'
import type { GrantParts } from '../domain/grant.ts'
import type { Credential, User } from '../domain/user.ts'

/** Why a request gets no answer at all: nobody trustworthy asked, or nobody waits any more. */
export const DROP_REASONS = [
  'oversized',
  'plaintext',
  'unopenable',
  'malformed',
  'untrusted_signature',
  'untrusted_server',
  'wrong_audience',
  'wrong_account',
  'expired',
  'replayed',
  'overloaded',
  'internal_error',
] as const
export type DropReason = (typeof DROP_REASONS)[number]

/** Why somebody is not let in. Codes are for logs, metrics and events; the client learns none of them. */
export const DENY_REASONS = [
  'no_credential',
  'unknown_credential',
  'wrong_password',
  'wrong_signature',
  'ambiguous_user',
  'session_of_another',
  'credential_expired',
  'user_locked',
  'user_expired',
  'locked_out',
  'source_over_budget',
  'hashing_busy',
  'store_unavailable',
  'operator_missing',
  'account_missing',
  'account_suspended',
  'account_expired',
  'account_reserved',
  'source_not_allowed',
  'connection_type_not_allowed',
  'outside_window',
  'too_many_sessions',
  'sessions_unknown',
  'policy_missing',
  'role_missing',
  'template_value_missing',
  'grant_too_large',
  'grant_invalid',
  'key_missing',
] as const
export type DenyReason = (typeof DENY_REASONS)[number]

/** Refusals that are over by themselves, or soon seen to: whoever meets one should come again. */
const PASSING: ReadonlySet<DenyReason> = new Set([
  'hashing_busy',
  'store_unavailable',
  'too_many_sessions',
  'sessions_unknown',
  'key_missing',
])

export function isPassing(reason: DenyReason): boolean {
  return PASSING.has(reason)
}

/** A request that is dropped. */
export class Drop {
  readonly reason: DropReason
  constructor(reason: DropReason) {
    this.reason = reason
  }
}

/** Whom a client that is refused said to be, as far as that led to anybody. */
export interface Named {
  readonly user: User
  readonly credential?: Credential | undefined
  /** The policies that were looked at, where it came so far. */
  readonly parts?: (GrantParts & { readonly account: Account }) | undefined
}

/** A client that is refused: the reason, and for people what it was about (a policy, a variable; never a secret). */
export class Denial {
  readonly reason: DenyReason
  readonly detail: string | undefined
  readonly named: Named | undefined

  constructor(reason: DenyReason, detail?: string, named?: Named) {
    this.reason = reason
    this.detail = detail
    this.named = named
  }

  /** The same, of somebody who is known. What was known before stays. */
  of(named: Named): Denial {
    return new Denial(this.reason, this.detail, { ...named, ...this.named })
  }
}
