import { GatehouseError } from '../errors.ts'
import type { AuthorizationRequestClaims, UserClaims } from '../jwt/claims.ts'
import { parse } from '../jwt/token.ts'
import { isToken } from '../keys/token.ts'

/** What a client offers to prove who it is. */
export type Offer =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'nkey'; readonly publicKey: string; readonly nonce: string; readonly signature: string }

/**
 * Everything the client offers, in the order it is tried: a token, then user and password, then an nkey that signed
 * the server's nonce. An MQTT password is both a token and a password (reference A.3); a client with sentinel creds
 * sends an nkey beside its token, and some send their token as a user without a password.
 */
export function identify({
  nats: { connect_opts: sent, client_info },
}: AuthorizationRequestClaims): readonly Offer[] {
  const offers: Offer[] = []
  if (sent.auth_token) offers.push({ kind: 'token', token: sent.auth_token })
  else if (sent.user && !sent.pass && isToken(sent.user)) offers.push({ kind: 'token', token: sent.user })
  if (sent.user && sent.pass) offers.push({ kind: 'password', user: sent.user, password: sent.pass })
  if (sent.sig && client_info.nonce) {
    const publicKey = sent.nkey || keyOfCreds(sent.jwt)
    if (publicKey) offers.push({ kind: 'nkey', publicKey, nonce: client_info.nonce, signature: sent.sig })
  }
  return offers
}

/**
 * The key that a client with a creds file signed with: most send no `nkey`, only the JWT that names it. Who signed the
 * JWT does not matter here: the signature over the nonce is the proof. A bearer JWT, as the sentinel is, is anybody's.
 */
function keyOfCreds(jwt: string | undefined): string | undefined {
  const claims = jwt ? userClaims(jwt) : undefined
  return claims?.nats.bearer_token === true ? undefined : claims?.sub
}

function userClaims(jwt: string): UserClaims | undefined {
  try {
    const { decoded } = parse(jwt)
    return decoded.type === 'user' ? decoded.claims : undefined
  } catch (error) {
    if (error instanceof GatehouseError) return undefined
    throw error
  }
}
