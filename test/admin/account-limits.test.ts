import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let door: Door
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
  await door.done('policy.create', { name: 'all', publish: { allow: ['>'] }, subscribe: { allow: ['>'] } })
})
afterAll(() => world[Symbol.asyncDispose]())

const makes = (name: string, limits: object) =>
  door.done('account.create', { name, limits, defaultPolicy: 'all' })
const faultsOf = async (limits: object) => {
  const { status, error } = await door.command('account.create', { name: 'BAD', limits })
  return [status, error.faults.map(({ where, rule }) => `${where} ${rule}`)]
}

describe('a limit that servers hold', () => {
  it('is the number of connections', async () => {
    await makes('TWO', { connections: 2 })
    const { token } = await door.newcomer('TWO', 'somebody')
    await door.becomes(token, 'in')
    const [first] = await Promise.all([door.enter(token), door.enter(token)])
    await expect(door.enter(token)).rejects.toThrow()
    await first.close()
    await eventually(() => door.enter(token).catch(() => false as const))
  })

  it('is the size of a message', async () => {
    await makes('SMALL', { payload: '100B' })
    const { token } = await door.newcomer('SMALL', 'somebody')
    await door.becomes(token, 'in')
    const nc = await door.enter(token)
    expect(nc.info?.max_payload).toBe(100)
  })

  it('is of a tier of JetStream, and of what no tier allows there is nothing', async () => {
    await makes('TIERED', {
      jetstream: { tiers: { R1: { disk: '1MiB', streams: 1, diskStream: '512KiB' } } },
    })
    const { token } = await door.newcomer('TIERED', 'somebody')
    await door.becomes(token, 'in')
    const manager = await jetstreamManager(await door.enter(token))
    const add = (name: string, more: object = {}) =>
      manager.streams.add({ name, subjects: [name], max_bytes: 1_024, num_replicas: 1, ...more })
    await expect(add('large', { max_bytes: 600 * 1_024 })).rejects.toThrow(/max bytes/)
    await add('one')
    await expect(add('two')).rejects.toThrow(/maximum number of streams reached/)
    const info = await manager.getAccountInfo()
    expect(info.tiers).toMatchObject({ R1: { limits: { max_storage: 2 ** 20, max_streams: 1 } } })
  })

  it('is all of JetStream that an account has', async () => {
    const jetstream = {
      memory: '1MiB',
      disk: '2MiB',
      streams: 3,
      consumers: 4,
      maxAckPending: 5,
      memoryStream: 6,
      diskStream: 7,
      maxBytesRequired: true,
    }
    await makes('FLAT', { jetstream })
    const { token } = await door.newcomer('FLAT', 'somebody')
    await door.becomes(token, 'in')
    const manager = await jetstreamManager(await door.enter(token))
    expect((await manager.getAccountInfo()).limits).toMatchObject({
      max_memory: 2 ** 20,
      max_storage: 2 ** 21,
      max_streams: 3,
      max_consumers: 4,
      max_ack_pending: 5,
      memory_max_stream_bytes: 6,
      storage_max_stream_bytes: 7,
      max_bytes_required: true,
    })
  })
})

describe('limits', () => {
  it.each([
    [
      { jetstream: { disk: 1, streams: 2, tiers: { R1: {} } } },
      'limits.jetstream.tiers must not stand beside disk, streams: limits are of tiers, or of all streams',
    ],
    [
      { jetstream: { tiers: { R9: {} } } },
      'limits.jetstream.tiers.R9 must be R1 to R5, after the number of replicas',
    ],
    [{ jetstream: { tiers: {} } }, 'limits.jetstream.tiers must not be empty'],
    [{ payload: '9999999TiB' }, 'limits.payload must be at most 2147483647 bytes'],
    [
      { jetstream: { tiers: { R1: { disk: '9999999TiB' } } } },
      'limits.jetstream.tiers.R1.disk must be at most 9007199254740991 bytes',
    ],
    [{ sessionsPerUser: 1_001 }, 'limits.sessionsPerUser must be at most 1000'],
  ])('that cannot be held are refused: %j', async (limits, fault) => {
    expect(await faultsOf(limits)).toEqual([400, [fault]])
  })
})

it.each(['data', 'dataRate'])(
  '%s, which nobody holds, is refused, and it is said that none does',
  async (limit) => {
    const fault = `limits.${limit} nats-server enforces no data rate: leave it out`
    expect(await faultsOf({ [limit]: 5 })).toEqual([422, [fault]])
  },
)

it.each(['connections', 'subscriptions', 'payload', 'users', 'sessionsPerUser'])(
  'a limit of %s cannot lock out the admins',
  async (field) => {
    const limits = { jetstream: {}, leafNodes: 5, [field]: 0 }
    const rule = 'account "ADMIN" carries the system: it cannot be barred'
    expect(await door.command('account.update-limits', { account: 'ADMIN', limits })).toMatchObject({
      status: 403,
      error: { code: 'forbidden', faults: [{ where: `limits.${field}`, rule }] },
    })
  },
)

it('a limit that locks nobody out is for admins as well', async () => {
  const change = (limits: object) => door.done('account.update-limits', { account: 'ADMIN', limits })
  await change({ jetstream: {}, leafNodes: 5 })
  await change({ jetstream: {} })
})

describe('the number of users', () => {
  const creates = (account: string, name: string) => door.command('user.create', { account, name })

  it('is held when many are made at once, and one that leaves makes room', async () => {
    await makes('FIVE', { users: 5 })
    const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => creates('FIVE', `u${i}`)))
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(5)
    const refused = replies
      .filter(({ status }) => status !== 200)
      .map(({ status, error }) => [status, error.code])
    expect(refused).toEqual(Array.from({ length: 15 }, () => [409, 'limit_reached']))
    const users = (await door.done('user.list', { account: 'FIVE' }))['items'] as { name: string }[]
    expect(users).toHaveLength(5)

    await door.done('user.delete', { account: 'FIVE', user: users[0]?.name })
    expect((await creates('FIVE', 'next')).status).toBe(200)
    expect((await creates('FIVE', 'more')).status).toBe(409)
  })

  it('counts those who were there before the limit, and follows it', async () => {
    await makes('GROWING', {})
    for (const name of ['a', 'b', 'c']) await creates('GROWING', name)
    const limit = (limits: object) => door.done('account.update-limits', { account: 'GROWING', limits })
    await limit({ users: 3 })
    expect((await creates('GROWING', 'd')).status).toBe(409)
    await limit({})
    expect((await creates('GROWING', 'd')).status).toBe(200)
    await limit({ users: 5 })
    expect((await creates('GROWING', 'e')).status).toBe(200)
    expect((await creates('GROWING', 'f')).status).toBe(409)
  })
})

describe('the number of sessions of a user', () => {
  it('is held at the door, for each user, until one of them leaves', async () => {
    await makes('PAIRS', { sessionsPerUser: 2 })
    const one = await door.newcomer('PAIRS', 'one')
    const other = await door.newcomer('PAIRS', 'other')
    const [first, second] = [await door.enter(one.token), await door.enter(one.token)]
    await expect(door.enter(one.token)).rejects.toThrow()
    expect(world.heard.denied.at(-1)).toMatchObject({ reason: 'too_many_sessions', detail: 'one' })
    await door.enter(other.token)
    expect(first.isClosed() || second.isClosed()).toBe(false)
    await first.close()
    await door.becomes(one.token, 'in')
    expect(world.heard.failures).toEqual([])
  })

  it('is held when many knock at once', async () => {
    await makes('CROWD', { sessionsPerUser: 3 })
    const { token } = await door.newcomer('CROWD', 'one')
    const knocks = await Promise.allSettled(Array.from({ length: 12 }, () => door.enter(token)))
    expect(knocks.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
  })
})
