import { createToken } from '../../src/keys/token.ts'
import { randomBytes } from 'node:crypto'
import { connectAsync } from 'mqtt'
import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { command, createUser, openTcp, openWebSocket, type ConnectOptions } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

const SERVERS = [
  { name: 'newest', find: newestServer },
  { name: 'oldest', find: oldestServer },
]
const ALICE = 'alice@example.com'
/** The server itself waits three seconds for an answer; a refusal does not take that long. */
const REFUSAL_MS_MAX = 2_000

describe.each(SERVERS)('at the door ($name server)', ({ name, find }) => {
  let world: World
  let admin: NatsConnection
  beforeAll(async () => {
    world = await openWorld({ binary: await find() })
    admin = await world.connectAs('admin')
    await command(admin, 'user.update-credentials', {
      account: 'ORDERS',
      user: ALICE,
      credentials: [{ kind: 'password', password: 'correct horse battery staple' }],
    })
  })
  beforeEach(() => {
    world.heard.denied.length = 0
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const reasons = (): string[] => world.heard.denied.map(({ reason }) => reason)

  it.each<[string, ConnectOptions, string]>([
    ['an unknown token', { auth_token: createToken(randomBytes) }, 'unknown_credential'],
    ['garbage for a token', { auth_token: 'garbage\u0000 ÿ {"a":1}' }, 'unknown_credential'],
    ['a garbage JWT', { jwt: 'eyJ0eXAiOiJKV1QifQ.e30.AAAA' }, 'no_credential'],
    ['an empty CONNECT', {}, 'no_credential'],
    ['a user name alone', { user: ALICE }, 'no_credential'],
    ['a wrong password', { user: ALICE, pass: 'incorrect horse' }, 'wrong_password'],
    ['an unknown user', { user: 'mallory', pass: 'correct horse battery staple' }, 'unknown_credential'],
    ['a token of nobody as password', { user: ALICE, pass: createToken(randomBytes) }, 'unknown_credential'],
  ])('refuses %s at once, and tells the client nothing', async (_, options, reason) => {
    await using client = await openTcp(world.server.ports.nats)
    const began = performance.now()

    await expect(client.connect(options)).rejects.toThrow('ended the connection')

    expect(performance.now() - began).toBeLessThan(REFUSAL_MS_MAX)
    expect(client.errors).toEqual(["'Authorization Violation'"])
    expect(reasons()).toEqual([reason])
  })

  it('refuses over WebSocket, MQTT and with nats.js just so', async () => {
    await using socket = await openWebSocket(world.server.ports.websocket ?? 0)
    await expect(socket.connect({ auth_token: 'no' })).rejects.toThrow('Authorization Violation')
    const authenticator = tokenAuthenticator('no')
    await expect(world.connect({ authenticator })).rejects.toThrow('Authorization Violation')
    const mqtt = connectAsync(`mqtt://127.0.0.1:${world.server.ports.mqtt ?? 0}`, {
      protocolVersion: 4,
      reconnectPeriod: 0,
      username: ALICE,
      password: 'no',
    })
    await expect(mqtt).rejects.toThrow()
    expect(reasons()).toEqual(['unknown_credential', 'unknown_credential', 'wrong_password'])
  })

  // Reference 0.1: up to 2.14 a client that claims to be the service user is logged in as the sentinel, inside AUTH.
  it.each([
    ['by default', () => ({})],
    ['shown', () => ({ jwt: world.trust.sentinelJwt })],
    [
      'with an nkey',
      () => ({ jwt: world.trust.sentinelJwt, nkey: world.trust.chain.serviceUser, sig: 'AA' }),
    ],
  ])('lets the sentinel (%s) that claims to be the service do nothing', async (_, claims) => {
    await using client = await openTcp(world.server.ports.nats)
    const subjects = [
      '$SYS.REQ.USER.AUTH',
      '$KV.gatehouse.>',
      '$JS.API.INFO',
      'auth.v1.whoami',
      '_INBOX.x',
      '>',
    ]
    const claimed = { user: world.trust.chain.serviceUser, ...claims() }
    const isInside = await client.connect(claimed).then(
      () => true,
      () => false,
    )
    if (name === 'oldest') expect(isInside).toBe(true)
    if (!isInside) {
      expect(reasons()).toHaveLength(1) // It was asked about like anybody else.
      return
    }
    for (const subject of subjects) {
      client.subscribe(subject)
      if (subject !== '>') client.publish(subject, 'let me in', '_INBOX.x')
    }
    await client.settle()
    expect(client.errors.filter((text) => text.includes('Permissions Violation'))).toHaveLength(11)
    expect(client.delivered).toEqual([])
  })

  it('keeps clients out that come from elsewhere than their policy says', async () => {
    const from = async (name: string, source: string): Promise<string> => {
      await command(admin, 'policy.create', { name, limits: { sources: [source] } })
      return createUser(admin, 'ORDERS', { name, policies: [name] })
    }
    const authenticator = tokenAuthenticator(await from('elsewhere', '10.0.0.0/8'))
    await expect(world.connect({ authenticator })).rejects.toThrow('Authorization Violation')
    expect(world.heard.denied).toMatchObject([{ reason: 'source_not_allowed', detail: 'elsewhere' }])
    const here = tokenAuthenticator(await from('here', '127.0.0.0/8'))
    await expect(world.connect({ authenticator: here })).resolves.toBeDefined()
  })

  it('keeps clients out that come in another way than their policy says', async () => {
    const limits = { connectionTypes: ['WEBSOCKET'] }
    await command(admin, 'policy.create', { name: 'browsers', limits })
    const token = await createUser(admin, 'ORDERS', { name: 'browser', policies: ['browsers'] })

    await using tcp = await openTcp(world.server.ports.nats)
    await expect(tcp.connect({ auth_token: token })).rejects.toThrow('Authorization Violation')
    await using socket = await openWebSocket(world.server.ports.websocket ?? 0)
    await socket.connect({ auth_token: token })
    const url = `mqtt://127.0.0.1:${world.server.ports.mqtt ?? 0}`
    const options = { protocolVersion: 4, reconnectPeriod: 0, username: 'any', password: token } as const
    await expect(connectAsync(url, options)).rejects.toThrow()
    expect(new Set(reasons())).toEqual(new Set(['connection_type_not_allowed']))
  })

  it('ends a connection at the end of its lifetime; nats.js comes back and goes on', async () => {
    const permissions = { publish: { allow: ['orders.>'] }, subscribe: { allow: ['orders.>'] } }
    await command(admin, 'policy.create', { name: 'brief', ...permissions, limits: { lifetime: '2s' } })
    const token = await createUser(admin, 'ORDERS', { name: 'brief', policies: ['brief'] })
    const authenticator = tokenAuthenticator(token)
    const brief = await world.connect({ authenticator, reconnect: true, reconnectTimeWait: 50 })
    let reconnects = 0
    let received = 0
    void (async () => {
      for await (const status of brief.status()) if (status.type === 'reconnect') reconnects += 1
    })()
    brief.subscribe('orders.mine', { callback: () => void (received += 1) })

    // Twice: nats.js gives up for good when it takes the second end for a refusal.
    await eventually(() => reconnects >= 2)
    brief.publish('orders.mine')
    await eventually(() => received === 1)

    const ends = world.heard.admitted.filter(({ user }) => user.name === 'brief')
    expect(ends.length).toBeGreaterThanOrEqual(3)
    expect(ends.every(({ expiresAt }) => expiresAt !== undefined)).toBe(true)
    await brief.close()
  })
})
