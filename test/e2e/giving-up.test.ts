import {
  connect,
  tokenAuthenticator,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { command, createUser, openTcp } from '../support/clients.ts'
import { systemAuthenticator } from '../support/cluster-servers.ts'
import { eventually } from '../support/eventually.ts'
import { openTurnstile, type Turnstile } from '../support/turnstile.ts'
import { openWorld, type World } from '../support/world.ts'

/** What makes clients give up for good, nats.js above all, and what does not. */

const SOON = {
  reconnect: true,
  reconnectTimeWait: 20,
  reconnectJitter: 0,
  maxReconnectAttempts: -1,
  ignoreClusterUpdates: true, // They would lead past the turnstile.
} as const

/** A nats.js client, and what its application was told. */
interface Watched {
  readonly nc: NatsConnection
  readonly turnstile: Turnstile
  /** Changes of the connection in order; of an error what it said. */
  readonly told: string[]
}

describe.each([
  ['newest', newestServer],
  ['oldest', oldestServer],
])('a client of the %s server', (_, find) => {
  let world: World
  let admin: NatsConnection
  let system: NatsConnection
  beforeAll(async () => {
    world = await openWorld({ binary: await find() })
    admin = await world.connectAs('admin')
    system = await connect({ servers: world.server.url, authenticator: systemAuthenticator(world.trust) })
    const jetstream = { account: 'ORDERS', limits: { jetstream: {} } } // MQTT wants it.
    await command(admin, 'account.update-limits', jetstream)
    for (const [name, limits] of [
      ['short', { lifetime: '2s' }],
      ['once', { sessions: 1 }],
    ] as const)
      await command(admin, 'policy.create', {
        name,
        limits,
        publish: { allow: ['echo', '_INBOX.>'] },
        subscribe: { allow: ['echo', '_INBOX.>'] },
      })
  })
  const turnstiles: Turnstile[] = []
  afterAll(async () => {
    for (const turnstile of turnstiles) await turnstile[Symbol.asyncDispose]()
    await system.close()
    await world[Symbol.asyncDispose]()
  })

  let users = 0
  async function newcomer(policy: string): Promise<{ name: string; token: string }> {
    const name = `user-${(users += 1)}`
    return { name, token: await createUser(admin, 'ORDERS', { name, policies: [policy] }) }
  }

  async function enter(token: string, options: ConnectionOptions = {}): Promise<Watched> {
    const turnstile = await openTurnstile(world.server.ports.nats)
    turnstiles.push(turnstile)
    const authenticator = tokenAuthenticator(token)
    const nc = await world.connect({ servers: turnstile.url, authenticator, ...SOON, ...options })
    const told: string[] = []
    void (async () => {
      for await (const status of nc.status()) {
        if (status.type === 'error') told.push(status.error.message)
        else if (['disconnect', 'reconnect', 'close'].includes(status.type)) told.push(status.type)
      }
    })()
    return { nc, told, turnstile }
  }

  /** Closes the connection as a server operator would; without a connection, does nothing. */
  async function kick({ nc }: Watched): Promise<void> {
    const { server_id, client_id } = nc.info ?? {}
    await system.request(`$SYS.REQ.SERVER.${server_id}.KICK`, JSON.stringify({ cid: client_id }))
  }

  function openDevice(username: string, password: string): { client: MqttClient; told: readonly string[] } {
    const url = `mqtt://127.0.0.1:${world.server.ports.mqtt ?? 0}`
    const client = mqtt.connect(url, { protocolVersion: 4, username, password, reconnectPeriod: 50 })
    const told: string[] = []
    client.on('error', (error) => void told.push(error.message))
    client.on('close', () => void told.push('close'))
    client.on('connect', () => void told.push('connect'))
    return { client, told }
  }

  const lock = (user: string) =>
    command(admin, 'user.lock', { account: 'ORDERS', user, reason: 'for a moment' })
  const unlock = (user: string) => command(admin, 'user.unlock', { account: 'ORDERS', user })
  const times = (told: readonly string[], what: string): number =>
    told.filter((each) => each.toLowerCase().includes(what)).length

  /** Refuses this client once, and lets it in when it comes again. */
  async function refuseOnce(client: Watched, user: string): Promise<void> {
    const before = times(client.told, 'authorization violation')
    client.turnstile.pass(0)
    await kick(client)
    await lock(user)
    client.turnstile.pass(1)
    await eventually(() => times(client.told, 'authorization violation') > before)
    await unlock(user)
    client.turnstile.pass(Infinity)
  }

  it('comes back from kicks at once and without an error, however many', async () => {
    const { token } = await newcomer('once')
    const client = await enter(token)
    for (let kicks = 1; kicks <= 10; kicks += 1) {
      await kick(client)
      await eventually(() => times(client.told, 'reconnect') >= kicks)
    }
    expect(new Set(client.told)).toEqual(new Set(['disconnect', 'reconnect']))
    expect(client.nc.isClosed()).toBe(false)
  })

  it('comes back from every expiry, hears what comes after, and its requests are answered', async () => {
    const { token } = await newcomer('short')
    const client = await enter(token)
    client.nc.subscribe('echo', { callback: (_error, message) => void message.respond(message.data) })
    for (let expiries = 1; expiries <= 6; expiries += 1) {
      await eventually(() => times(client.told, 'reconnect') >= expiries)
      expect((await client.nc.request('echo', String(expiries))).string()).toBe(String(expiries))
    }
    expect(times(client.told, 'user authentication expired')).toBeGreaterThanOrEqual(6)
    expect(times(client.told, 'violation')).toBe(0)
    expect(client.nc.isClosed()).toBe(false)
    await client.nc.close()
  })

  it('closes for good on the second refusal of its lifetime, though it was in again in between', async () => {
    const { name, token } = await newcomer('once')
    const client = await enter(token)
    await refuseOnce(client, name)
    await eventually(() => client.told.at(-1) === 'reconnect')
    await refuseOnce(client, name)
    await client.nc.closed()
    expect(times(client.told, 'authorization violation')).toBe(2)
  })

  it('closes for good on one refusal after an expiry', async () => {
    const { name, token } = await newcomer('short')
    const client = await enter(token)
    client.turnstile.pass(0)
    await eventually(() => times(client.told, 'expired') === 1)
    await lock(name)
    client.turnstile.pass(Infinity)
    await client.nc.closed()
    expect(times(client.told, 'authorization violation')).toBe(1)
  })

  it('waits for better times with ignoreAuthErrorAbort and no limit of attempts', async () => {
    const { name, token } = await newcomer('short')
    const client = await enter(token, { ignoreAuthErrorAbort: true })
    await lock(name)
    await eventually(() => times(client.told, 'authorization violation') >= 5)
    await unlock(name)
    await eventually(() => client.told.at(-1) === 'reconnect')
    expect(client.nc.isClosed()).toBe(false)
    await client.nc.close()
  })

  it('is not told of a refusal that will pass, and is in when it has passed', async () => {
    const { token } = await newcomer('once')
    const client = await enter(token, { timeout: 250 })
    client.turnstile.pass(0)
    await kick(client)
    await using other = await openTcp(world.server.ports.nats)
    await other.connect({ auth_token: token })
    const refused = () => world.heard.denied.filter(({ reason }) => reason === 'too_many_sessions').length
    const before = refused()
    client.turnstile.pass(Infinity)
    await eventually(() => refused() >= before + 4)
    expect(client.nc.isClosed()).toBe(false)
    await other[Symbol.asyncDispose]()
    await eventually(() => client.told.includes('reconnect'))
    expect(new Set(client.told)).toEqual(new Set(['disconnect', 'reconnect']))
  })

  it('as mqtt.js, which gives up at the first refusal, but not at one that will pass', async () => {
    const { name, token } = await newcomer('once')
    await using other = await openTcp(world.server.ports.nats)
    await other.connect({ auth_token: token })
    const device = openDevice(name, token)
    await eventually(() => times(device.told, 'close') >= 3)
    await other[Symbol.asyncDispose]()
    await eventually(() => device.told.includes('connect'))
    expect(new Set(device.told)).toEqual(new Set(['close', 'connect']))
    await device.client.endAsync(true)

    await lock(name)
    const refused = openDevice(name, token)
    await eventually(() => times(refused.told, 'not authorized') === 1)
    await eventually(() => refused.told.includes('close'))
    expect([refused.client.connected, refused.client.reconnecting]).toEqual([false, false])
    await refused.client.endAsync(true)
  })

  it('by hand: the connection ends, with a word at an expiry and without one at a kick or a refusal that will pass', async () => {
    const [short, once] = [await newcomer('short'), await newcomer('once')]
    const { nats } = world.server.ports
    for (let lives = 0; lives < 3; lives += 1) {
      await using client = await openTcp(nats)
      await client.connect({ auth_token: short.token })
      client.subscribe('echo')
      client.publish('echo', 'heard')
      await client.until(() => client.delivered.length === 1)
      await client.ended
      expect(client.errors).toEqual(["'User Authentication Expired'"])
    }
    await using first = await openTcp(nats)
    await first.connect({ auth_token: once.token })
    await using second = await openTcp(nats)
    await expect(second.connect({ auth_token: once.token })).rejects.toThrow('ended the connection')
    expect(second.errors).toEqual([])
  })
})
