import type { AccountClaims, ActivationClaims, OperatorClaims, UserClaims } from './claims.ts'

/**
 * Did this operator sign those claims, as nats-server asks? Under strict signing key usage its root key counts for
 * the operator's own JWT only. The signature itself was checked by `decode`.
 */
export function operatorDidSign(
  operator: OperatorClaims,
  claims: { readonly iss: string; readonly sub: string },
): boolean {
  if (claims.iss !== operator.sub) return operator.nats.signing_keys?.includes(claims.iss) ?? false
  return operator.nats.strict_signing_key_usage !== true || claims.sub === operator.sub
}

/**
 * Did this account sign that user or activation? A signing key counts only when the claims name the account.
 * Strict operators refuse users signed by the root key: compare `iss` with `sub` of the account for that.
 */
export function accountDidSign(account: AccountClaims, claims: UserClaims | ActivationClaims): boolean {
  if (claims.iss === account.sub) return true
  return claims.nats.issuer_account === account.sub && signingKeys(account).includes(claims.iss)
}

/** The public keys of an account's signing keys, scoped or not. */
export function signingKeys(account: AccountClaims): string[] {
  return (account.nats.signing_keys ?? []).map((key) => (typeof key === 'string' ? key : key.key))
}
