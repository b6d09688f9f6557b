import { RequestError, TimeoutError } from '@nats-io/transport-node'

/** Nobody answered: there is nobody, or not in time. */
export function isSilence(error: unknown): boolean {
  return error instanceof TimeoutError || (error instanceof RequestError && error.isNoResponders())
}
