import { GatehouseError } from '../errors.ts'
import { validateAuthorizationRequest } from '../jwt/authorization.ts'
import type { AuthorizationRequestClaims } from '../jwt/claims.ts'
import { decode, WrongSignature } from '../jwt/token.ts'
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

/** Turns a token nobody has vouched for into a request of one of our servers (reference A.3). Cheapest checks first. */
export async function verify(opened: Opened, trust: Trust, nowMs: number): Promise<Verified | Drop> {
  const claims = requestOf(opened.token)
  if (claims instanceof Drop) return claims
  const [fault] = validateAuthorizationRequest(claims)
  if (fault !== undefined) return new Drop(fault.where === 'aud' ? 'wrong_audience' : 'malformed')
  if (claims.sub !== trust.calloutAccount) return new Drop('wrong_account')
  if (!(await trust.isServer(claims.iss))) return new Drop('untrusted_server')
  if (opened.replyTo !== undefined && opened.replyTo !== claims.nats.server_id.xkey)
    return new Drop('unopenable')
  if (trust.replays.isReplay(claims.nats.user_nkey, nowMs)) return new Drop('replayed')
  return { claims, replyTo: opened.replyTo }
}

function requestOf(token: string): AuthorizationRequestClaims | Drop {
  try {
    const decoded = decode(token)
    return decoded.type === 'authorization_request' ? decoded.claims : new Drop('malformed')
  } catch (error) {
    if (error instanceof WrongSignature) return new Drop('untrusted_signature')
    if (error instanceof GatehouseError) return new Drop('malformed')
    throw error
  }
}
