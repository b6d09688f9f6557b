/**
 * How far a replica has read the state: the newest revision of what it keeps in memory (operator, accounts, policies,
 * roles), and of what it fetches (users and what leads to them). It follows both, each at its own pace.
 */
export interface Seen {
  readonly records: number
  readonly users: number
}

export const NOTHING_SEEN: Seen = { records: 0, users: 0 }

/** Has whoever has seen the one seen all of the other? */
export function covers(seen: Seen, wanted: Seen): boolean {
  return seen.records >= wanted.records && seen.users >= wanted.users
}
