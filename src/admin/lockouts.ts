import type { Lockout, Whose } from '../domain/lockout.ts'

/** Lockouts that are in force. */
export interface LockoutPage {
  readonly lockouts: readonly Lockout[]
  /** Where to go on; absent at the end. */
  readonly next?: number
}

/** What commands need of the throttle. Both throw `unavailable` when JetStream does not answer. */
export interface Lockouts {
  /** Oldest first: of everybody, of an account (A…), or of one user (its id) of it. */
  page(
    of: Partial<Pick<Whose, 'account' | 'user'>>,
    place: { readonly after: number; readonly limit: number },
  ): Promise<LockoutPage>
  /** Ends the user's lockout there, or all it has, on every replica, and forgets what was counted. Says how many it had. */
  release(whose: Pick<Whose, 'account' | 'user'>, source: string | undefined): Promise<number>
}
