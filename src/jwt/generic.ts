import type { GenericClaims, Unsigned } from './claims.ts'

/** What is to be deleted, and by whom. */
export interface AccountDeletion {
  /** Public key of the operator, or of one of its signing keys, that will sign. */
  readonly operator: string
  /** Public keys of the accounts. */
  readonly accounts: readonly string[]
  /** Seconds since the epoch. */
  readonly issuedAt: number
}

/** The claims `$SYS.REQ.CLAIMS.DELETE` wants: generic, signed by the operator, naming the accounts to forget. */
export function buildAccountDeletion({
  operator,
  accounts,
  issuedAt,
}: AccountDeletion): Unsigned<GenericClaims> {
  return { sub: operator, iat: issuedAt, nats: { accounts, version: 2 } }
}
