import type { Fault } from '../errors.ts'
import type { AuthorizationRequestClaims, AuthorizationResponseClaims, Unsigned } from './claims.ts'
import { needIssuerAccount, needKey } from './faults.ts'

/** The audience of every authorization request. */
export const AUTHORIZATION_REQUEST_AUDIENCE = 'nats-authorization-request'

/** Which request is answered. */
export interface ResponseTo {
  /** `user_nkey` of the request. */
  readonly userNkey: string
  /** `server_id.id` of the request. */
  readonly serverId: string
  /** The callout account, when one of its signing keys signs. */
  readonly issuerAccount?: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
}

/** The claims that let a client in (ADR-26): as the user of this JWT. */
export function buildAdmission(to: ResponseTo, jwt: string): Unsigned<AuthorizationResponseClaims> {
  return buildResponse(to, { jwt })
}

/** The claims that refuse a client (ADR-26). The error goes to the server's log, never to the client: no secrets. */
export function buildRefusal(to: ResponseTo, error: string): Unsigned<AuthorizationResponseClaims> {
  return buildResponse(to, { error })
}

/**
 * What makes a request one that no server sends, besides its signature: whom it is from and for. The callout itself
 * still asks whether `sub` is its account and the time is not over.
 */
export function validateAuthorizationRequest(claims: AuthorizationRequestClaims): Fault[] {
  const faults: Fault[] = []
  needKey(faults, 'sub', { text: claims.sub, kind: 'account' })
  needKey(faults, 'iss', { text: claims.iss, kind: 'server' })
  needKey(faults, 'nats.user_nkey', { text: claims.nats.user_nkey, kind: 'user' })
  if (claims.nats.server_id.id !== claims.iss)
    faults.push({ where: 'nats.server_id.id', rule: 'must be the issuer' })
  if (claims.nats.server_id.xkey)
    needKey(faults, 'nats.server_id.xkey', { text: claims.nats.server_id.xkey, kind: 'curve' })
  if (claims.aud !== AUTHORIZATION_REQUEST_AUDIENCE) {
    faults.push({ where: 'aud', rule: `must be ${AUTHORIZATION_REQUEST_AUDIENCE}` })
  }
  return faults
}

/** Everything nats-server would refuse in a response, any of which costs the client its connection. */
export function validateAuthorizationResponse(claims: Unsigned<AuthorizationResponseClaims>): Fault[] {
  const faults: Fault[] = []
  const { jwt = '', error = '', issuer_account } = claims.nats
  needKey(faults, 'sub', { text: claims.sub, kind: 'user' })
  needKey(faults, 'aud', { text: claims.aud ?? '', kind: 'server' })
  needIssuerAccount(faults, issuer_account)
  if ((jwt === '') === (error === ''))
    faults.push({ where: 'nats', rule: 'must have either a jwt or an error' })
  return faults
}

function buildResponse(
  to: ResponseTo,
  answer: { readonly jwt: string } | { readonly error: string },
): Unsigned<AuthorizationResponseClaims> {
  const { userNkey, serverId, issuerAccount, issuedAt } = to
  return {
    sub: userNkey,
    aud: serverId,
    iat: issuedAt,
    nats: {
      ...answer,
      ...(issuerAccount !== undefined && { issuer_account: issuerAccount }),
      type: 'authorization_response',
      version: 2,
    },
  }
}
