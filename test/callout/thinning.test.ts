import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startGatehouse, type Gatehouse } from '../../src/main.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import { openDoor, type Door } from '../admin/door.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let others: readonly Gatehouse[]
let door: Door
beforeAll(async () => {
  world = await openWorld()
  const log = pino({ level: 'silent' })
  const telemetry = createTelemetry(log, () => undefined)
  const options = { ...world, url: world.server.url, telemetry, log, replicas: 1 }
  others = await Promise.all([startGatehouse(options), startGatehouse(options)])
  door = await openDoor(world)
})
afterAll(async () => {
  await Promise.all(others.map((each) => each[Symbol.asyncDispose]()))
  await world[Symbol.asyncDispose]()
})

let made = 0
/** Somebody in ORDERS who has a policy of its own with these limits. */
async function limited(limits: object) {
  const name = `limited-${(made += 1)}`
  await door.done('policy.create', { name, limits })
  const { token, credential } = await door.newcomer('ORDERS', name, { policies: [name] })
  await everywhere()
  return { name, token, credential }
}

/** Every replica has read what is stored. */
async function everywhere(): Promise<void> {
  const replicas = [world.gatehouse, ...others]
  await Promise.all(replicas.map(({ directory }) => directory.upToDate()))
}

/** As many connections as the servers let in, of so many that knock, one after the other or at once. */
async function inOrder(token: string, times: number): Promise<readonly NatsConnection[]> {
  const all: NatsConnection[] = []
  while (all.length < times) all.push(await door.enter(token))
  return all
}

async function atOnce(token: string, times: number): Promise<readonly NatsConnection[]> {
  const knocks = await Promise.allSettled(
    Array.from({ length: times }, () => world.connect({ authenticator: tokenAuthenticator(token) })),
  )
  return knocks.flatMap((knock) => (knock.status === 'fulfilled' ? [knock.value] : []))
}

const openOf = (all: readonly NatsConnection[]) => all.map((nc) => !nc.isClosed())
const becomes = async (all: readonly NatsConnection[], expected: readonly boolean[]): Promise<void> => {
  await eventually(() => openOf(all).join() === expected.join())
  for (const nc of all) if (!nc.isClosed()) await nc.flush()
  expect(openOf(all)).toEqual(expected)
}

describe('the limit of sessions', () => {
  it('ends the oldest where the newest stay', async () => {
    const { token } = await limited({ sessions: 2, keepSessions: 'newest' })
    const all = await inOrder(token, 4)
    await becomes(all, [false, false, true, true])
  })

  it('keeps the oldest where nothing is said, whatever replica is asked', async () => {
    const { token } = await limited({ sessions: 2 })
    const all = await inOrder(token, 2)
    for (let n = 0; n < 6; n += 1) await expect(door.enter(token)).rejects.toThrow()
    await becomes(all, [true, true])
  })

  it('holds for every credential apart', async () => {
    const { name, token } = await limited({ sessionsPerCredential: 1, keepSessions: 'newest' })
    const { token: second } = await door.done('user.issue-token', { account: 'ORDERS', user: name })
    const all = [...(await inOrder(token, 2)), await door.enter(String(second))]
    await becomes(all, [false, true, true])
  })

  it('holds in the end for those who knock at all replicas at once', async () => {
    const { token } = await limited({ sessions: 3 })
    const all = await atOnce(token, 24)
    await eventually(() => all.filter((nc) => !nc.isClosed()).length <= 3)
    expect(all.filter((nc) => !nc.isClosed())).toHaveLength(3)
  })

  it('reaches those who are in when it is lowered', async () => {
    const { name, token } = await limited({ sessions: 5 })
    const all = await inOrder(token, 4)
    await door.done('policy.update-limits', { policy: name, limits: { sessions: 1 } })
    await becomes(all, [true, false, false, false])
  })

  it('of an account reaches them as well', async () => {
    await door.done('account.create', { name: 'ROOMY', limits: { sessionsPerUser: 3 } })
    const { token } = await door.newcomer('ROOMY', 'somebody')
    await door.becomes(token, 'in')
    const all = await eventually(() => inOrder(token, 3).catch(() => false as const))
    await door.done('account.update-limits', { account: 'ROOMY', limits: { sessionsPerUser: 2 } })
    await becomes(all, [true, true, false])
  })

  it('keeps nobody out, and ends nobody, for a connection that is gone', async () => {
    const { token } = await limited({ sessions: 1 })
    for (let n = 0; n < 10; n += 1) {
      const nc = await eventually(() => door.enter(token).catch(() => false as const))
      await nc.flush()
      await nc.close()
    }
    const last = await eventually(() => door.enter(token).catch(() => false as const))
    await expect(door.enter(token)).rejects.toThrow()
    await becomes([last], [true])
  })
})
