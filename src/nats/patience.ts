import { setTimeout as sleep } from 'node:timers/promises'
import { JetStreamApiError } from '@nats-io/jetstream'
import { NoRespondersError, RequestError, TimeoutError } from '@nats-io/transport-node'

const ATTEMPTS = 60
const PAUSE_MS = 500

/**
 * Does it until JetStream can: servers that have just started elect leaders first, and until then say that it is
 * unavailable, or even (2.12.7) that the account has none. Throws what it threw last, after half a minute of that.
 */
export async function patiently<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isPassing(error) || attempt === ATTEMPTS) throw error
      await sleep(PAUSE_MS)
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof TimeoutError || error instanceof NoRespondersError) return true
  if (error instanceof JetStreamApiError) return error.apiError().code === 503
  if (error instanceof RequestError) return error.isNoResponders()
  return error instanceof Error && error.cause !== undefined && isPassing(error.cause)
}
