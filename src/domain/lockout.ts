/** Whose password it is: a user, and the account it is in. */
export interface Whose {
  /** The A… public key of the account. */
  readonly account: string
  /** The id of the user. */
  readonly user: string
  /** Its name when it happened, for people. */
  readonly name: string
}

/**
 * Too many passwords of a user were wrong, and none is right for a while: those of one source, or, without a source,
 * those of every source but the familiar ones.
 */
export interface Lockout extends Whose {
  /** An IPv4 address, or the /64 network of an IPv6 one. */
  readonly source?: string | undefined
  /** How many were wrong. */
  readonly failures: number
  /** Milliseconds since the epoch. */
  readonly sinceMs: number
  readonly untilMs: number
}

/** A source from which a user logged in with its password, and when last. */
export interface FamiliarSource {
  readonly source: string
  readonly atMs: number
}

export function isInForce({ untilMs }: Lockout, nowMs: number): boolean {
  return nowMs < untilMs
}
