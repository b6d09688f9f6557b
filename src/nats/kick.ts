import type { NatsConnection } from '@nats-io/transport-node'
import { GatehouseError } from '../errors.ts'
import type { Kicking } from '../sessions/kicking.ts'

/** A server answers in a few milliseconds; one that does not within this time is gone, and its connections with it. */
const KICK_MS_MAX = 2_000

interface KickAnswer {
  readonly error?: { readonly code: number; readonly description: string }
}

/** KICK by server id and cid (reference D): a cid is never used again while its server runs, so nobody else is met. */
export function busKicking(nc: NatsConnection): Kicking {
  return {
    async kick({ server, cid }) {
      const subject = `$SYS.REQ.SERVER.${server}.KICK`
      try {
        const answer = await nc.request(subject, JSON.stringify({ cid }), { timeout: KICK_MS_MAX })
        return answer.json<KickAnswer>().error === undefined ? 'kicked' : 'gone'
      } catch (cause) {
        throw new GatehouseError('unavailable', 'the server of the connection does not answer', { cause })
      }
    },
  }
}
