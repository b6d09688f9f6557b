import { jetstreamManager } from '@nats-io/jetstream'
import { tokenAuthenticator } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKeyPair } from '../../src/keys/key-pair.ts'
import { AUDIT_STREAM, STATE_STREAM } from '../../src/nats/buckets.ts'
import { purgeSourcedEvents } from '../../src/nats/event-purge.ts'
import { KnownServers } from '../../src/nats/servers.ts'
import { startUpkeep } from '../../src/nats/upkeep.ts'
import { createUser } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

describe('the servers of the cluster', () => {
  it('are known by asking them, and nobody else is', async () => {
    const { nc } = world.gatehouse.connection
    const servers = new KnownServers(nc)
    expect(servers.size).toBe(0)
    await servers.refresh()
    expect(servers.size).toBe(1)
    expect(await servers.isServer(nc.info!.server_id)).toBe(true)
    const stranger = createKeyPair('server').publicKey
    expect(await servers.isServer(stranger)).toBe(false)
    expect(servers.isServer(stranger)).toBe(false) // Remembered, not asked again.
  })

  it('answer for themselves when they are asked by their id', async () => {
    const { nc } = world.gatehouse.connection
    const answer = await nc.request(`$SYS.REQ.SERVER.${nc.info!.server_id}.IDZ`)
    expect(answer.json()).toMatchObject({ id: nc.info!.server_id })
  })
})

describe('an account that was just made', () => {
  it('can be used as soon as the reply is there', async () => {
    const admin = await world.connectAs('admin')
    for (const name of ['FRESH-1', 'FRESH-2', 'FRESH-3']) {
      const reply = await admin.request('auth.v1.account.create', JSON.stringify({ name }), {
        timeout: 5_000,
      })
      expect(reply.json()).toHaveProperty('account')
      const token = await createUser(admin, name, { name: 'first', policies: [] })
      const nc = await world.connect({ authenticator: tokenAuthenticator(token) })
      expect((await nc.request('auth.v1.whoami')).json()).toMatchObject({ account: { name } })
    }
  })
})

describe('events', () => {
  it('leave the bucket once the audit stream has them, and not before', async () => {
    const { nc } = world.gatehouse.connection
    const manager = await jetstreamManager(nc)
    const inBucket = async (): Promise<number> => {
      const { state } = await manager.streams.info(STATE_STREAM, { subjects_filter: '$KV.gatehouse.event.>' })
      return Object.keys(state.subjects ?? {}).length
    }
    const audited = async (): Promise<number> => (await manager.streams.info(AUDIT_STREAM)).state.messages

    const before = await inBucket()
    expect(before).toBeGreaterThan(10)
    await eventually(async () => (await audited()) >= before)
    const kept = await audited()
    await purgeSourcedEvents(nc)
    expect(await inBucket()).toBe(0)
    expect(await audited()).toBe(kept)

    const admin = await world.connectAs('admin')
    await createUser(admin, 'ORDERS', { name: 'late', policies: [] })
    await eventually(async () => (await audited()) > kept + 1)
    const users = await manager.streams.info(STATE_STREAM, { subjects_filter: '$KV.gatehouse.user.>' })
    expect(Object.keys(users.state.subjects ?? {}).length).toBeGreaterThan(4)
  })
})

describe('upkeep', () => {
  it('runs every task, though one fails, and one round at a time', async () => {
    const ran: string[] = []
    const failed: string[] = []
    await using upkeep = startUpkeep(
      [
        { name: 'bad', run: () => Promise.reject(new Error('no')) },
        { name: 'good', run: () => Promise.resolve(void ran.push('good')) },
      ],
      { everyMs: 3_600_000, onError: (_, task) => failed.push(task) },
    )
    await Promise.all([upkeep.now(), upkeep.now()])
    expect({ ran, failed }).toEqual({ ran: ['good'], failed: ['bad'] })
    await upkeep.now()
    expect(ran).toHaveLength(2)
  })
})
