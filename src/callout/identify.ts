import type { AuthorizationRequestClaims } from '../jwt/claims.ts'
import { isToken } from '../keys/token.ts'

/** What a client offers to prove who it is. */
export type Offer =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'nkey'; readonly publicKey: string; readonly nonce: string; readonly signature: string }

/**
 * Everything the client offers, in the order it is tried: a token, then user and password, then an nkey that signed
 * the server's nonce. An MQTT password is both a token and a password (reference A.3); a client with sentinel creds
 * sends an nkey beside its token, and some send their token as a user without a password. An unsigned sentinel `jwt` proves nothing and is not looked at.
 */
export function identify({
  nats: { connect_opts: sent, client_info },
}: AuthorizationRequestClaims): readonly Offer[] {
  const offers: Offer[] = []
  if (sent.auth_token) offers.push({ kind: 'token', token: sent.auth_token })
  else if (sent.user && !sent.pass && isToken(sent.user)) offers.push({ kind: 'token', token: sent.user })
  if (sent.user && sent.pass) offers.push({ kind: 'password', user: sent.user, password: sent.pass })
  if (sent.nkey && sent.sig && client_info.nonce) {
    offers.push({ kind: 'nkey', publicKey: sent.nkey, nonce: client_info.nonce, signature: sent.sig })
  }
  return offers
}
