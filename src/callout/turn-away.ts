import { GatehouseError } from '../errors.ts'
import type { Kicking } from '../sessions/kicking.ts'
import { isPassing, type Denial } from './reason.ts'
import type { Verified } from './verify.ts'

/**
 * Closes the connection of a client whose refusal will pass, so that it needs no answer; false when it needs one. All
 * that an answer comes to is "Authorization Violation", and client libraries give up for good when they hear it twice.
 * A connection that is closed without a word they open again.
 */
export async function isTurnedAway(
  { reason }: Denial,
  { claims }: Verified,
  kicking: Kicking,
): Promise<boolean> {
  if (!isPassing(reason)) return false
  const { server_id, client_info } = claims.nats
  try {
    return (await kicking.kick({ server: server_id.id, cid: client_info.id ?? 0 })) === 'kicked'
  } catch (error) {
    if (error instanceof GatehouseError && error.code === 'unavailable') return false
    throw error
  }
}
