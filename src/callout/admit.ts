import type { AuthorizationRequestClaims } from '../jwt/claims.ts'
import { Drop } from './reason.ts'
import type { Verified } from './verify.ts'

/** Is it still worth an answer? After its deadline nobody listens, and the time is better spent on the next. */
export function admit(request: Verified, nowMs: number): Verified | Drop {
  return isOver(request.claims, nowMs) ? new Drop('expired') : request
}

/**
 * Has the server stopped waiting? `exp` is the end of its patience, cut to whole seconds (reference A.3), and a
 * request without one is none that a server sends.
 */
export function isOver({ exp = 0 }: AuthorizationRequestClaims, nowMs: number): boolean {
  return nowMs >= (exp + 1) * 1_000
}
