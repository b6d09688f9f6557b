import { GatehouseError } from '../errors.ts'
import { validateAuthorizationRequest } from '../jwt/authorization.ts'
import type { AuthorizationRequestClaims, Decoded } from '../jwt/claims.ts'
import { isSigned, parse, type Unverified } from '../jwt/token.ts'
import { isOver } from './admit.ts'
import type { Opened } from './open.ts'
import { Drop } from './reason.ts'
import type { Replays } from './replays.ts'

/** What a request is held against. */
export interface Trust {
  /** The A… key of our own callout account. */
  readonly calloutAccount: string
  /** Is this server one of the cluster? Answers from memory for servers seen before. */
  readonly isServer: (serverId: string) => boolean | Promise<boolean>
  readonly replays: Pick<Replays, 'isReplay'>
}

/** A request that a server of ours signed, for us, and still waits for. */
export interface Verified {
  readonly claims: AuthorizationRequestClaims
  readonly replyTo: string | undefined
}

/**
 * Turns a token nobody has vouched for into a request of one of our servers (reference A.3). The cheapest questions
 * come first: what is late or not for us is not worth a signature check.
 */
export async function verify(opened: Opened, trust: Trust, nowMs: number): Promise<Verified | Drop> {
  const unverified = requestOf(opened.token)
  if (unverified instanceof Drop) return unverified
  const { claims } = unverified.decoded
  const [fault] = validateAuthorizationRequest(claims)
  if (fault !== undefined) return new Drop(fault.where === 'aud' ? 'wrong_audience' : 'malformed')
  if (claims.sub !== trust.calloutAccount) return new Drop('wrong_account')
  if (isOver(claims, nowMs)) return new Drop('expired')
  if (!isSigned(unverified)) return new Drop('untrusted_signature')
  if (!(await trust.isServer(claims.iss))) return new Drop('untrusted_server')
  if (opened.replyTo !== undefined && opened.replyTo !== claims.nats.server_id.xkey)
    return new Drop('unopenable')
  if (trust.replays.isReplay(claims.nats.user_nkey, nowMs)) return new Drop('replayed')
  return { claims, replyTo: opened.replyTo }
}

type UnverifiedRequest = Unverified & {
  readonly decoded: Extract<Decoded, { type: 'authorization_request' }>
}

function requestOf(token: string): UnverifiedRequest | Drop {
  try {
    const unverified = parse(token)
    return isRequest(unverified) ? unverified : new Drop('malformed')
  } catch (error) {
    if (error instanceof GatehouseError) return new Drop('malformed')
    throw error
  }
}

function isRequest(unverified: Unverified): unverified is UnverifiedRequest {
  return unverified.decoded.type === 'authorization_request'
}
