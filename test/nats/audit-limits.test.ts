import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream'
import { expect, it } from 'vitest'
import { ensureStreams } from '../../src/nats/buckets.ts'
import { openWorld } from '../support/world.ts'

it('keeps what mission and configuration say, at each start anew', async () => {
  await using world = await openWorld()
  const { nc } = world.gatehouse.connection
  const kept = async (): Promise<Partial<StreamConfig>> => {
    const { max_age, max_msgs, max_bytes } = (await (await jetstreamManager(nc)).streams.info('auth-events'))
      .config
    return { max_age, max_msgs, max_bytes }
  }
  const week = 7 * 86_400 * 1_000_000_000
  expect(await kept()).toEqual({ max_age: week, max_msgs: 100_000, max_bytes: 100_000_000 })

  const audit = { maxAgeMs: 60_000, maxMessages: 5_000, maxBytes: 2_000_000 }
  await ensureStreams(nc, { replicas: 1, audit })
  expect(await kept()).toEqual({ max_age: 60_000 * 1_000_000, max_msgs: 5_000, max_bytes: 2_000_000 })
})
