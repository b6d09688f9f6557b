import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { AUDIT_STREAM, STATE_PREFIX, STATE_STREAM } from './buckets.ts'

/**
 * Takes events out of the bucket once the audit stream has them (reference I.2): it has sourced everything up to the
 * sequence it names, and what comes after stays. Repeating it, on any replica, changes nothing.
 */
export async function purgeSourcedEvents(nc: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(nc)
  const { sources = [] } = await manager.streams.info(AUDIT_STREAM)
  const sourced =
    (sources.find(({ name }) => name === STATE_STREAM) as { readonly seq?: number } | undefined)?.seq ?? 0
  if (sourced > 0)
    await manager.streams.purge(STATE_STREAM, { filter: `${STATE_PREFIX}event.>`, seq: sourced + 1 })
}
