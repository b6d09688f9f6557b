import { connectAsync } from 'mqtt'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { command, createUser, openTcp, openWebSocket, type WireClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

/** Every limit of a policy, at a real server, on both families of addresses. */

let world: World
let admin: NatsConnection
beforeAll(async () => {
  world = await openWorld({ listen: '[::]:-1' })
  admin = await world.connectAs('admin')
})
beforeEach(() => {
  world.heard.denied.length = 0
  world.heard.admitted.length = 0
})
afterAll(() => world[Symbol.asyncDispose]())

/** A user of its own for each set of limits, one policy for each. Gives its token. */
let made = 0
async function limited(...all: readonly object[]): Promise<string> {
  const names = all.map(() => `limited-${(made += 1)}`)
  for (const [i, limits] of all.entries())
    await command(admin, 'policy.create', { name: names[i]!, publish: { allow: ['x'] }, limits })
  return createUser(admin, 'ORDERS', { name: `user-${(made += 1)}`, policies: names })
}

/** `in`, or the reason for which it was refused. */
async function outcome(client: WireClient, token: string): Promise<string> {
  try {
    await client.connect({ auth_token: token })
    return 'in'
  } catch {
    return world.heard.denied.at(-1)?.reason ?? 'refused by the server'
  }
}
async function by(way: 'tcp' | 'websocket' | 'mqtt', token: string): Promise<string> {
  const { nats, websocket = 0, mqtt = 0 } = world.server.ports
  if (way !== 'mqtt') {
    await using client = await (way === 'tcp' ? openTcp(nats) : openWebSocket(websocket))
    return await outcome(client, token)
  }
  const options = { protocolVersion: 4, reconnectPeriod: 0, username: 'any', password: token } as const
  try {
    const client = await connectAsync(`mqtt://127.0.0.1:${mqtt}`, options)
    await client.endAsync()
    return 'in'
  } catch {
    return world.heard.denied.at(-1)?.reason ?? 'refused by the server'
  }
}

describe('sources', () => {
  const from = async (host: string, token: string): Promise<string> => {
    await using client = await openTcp(world.server.ports.nats, host)
    return await outcome(client, token)
  }

  it.each([
    ['127.0.0.0/8', { v4: 'in', v6: 'source_not_allowed' }],
    ['::1/128', { v4: 'source_not_allowed', v6: 'in' }],
    ['::/0', { v4: 'source_not_allowed', v6: 'in' }],
    ['0.0.0.0/0', { v4: 'in', v6: 'source_not_allowed' }],
    ['10.0.0.0/8', { v4: 'source_not_allowed', v6: 'source_not_allowed' }],
  ])('of %s let in who comes from there', async (source, expected) => {
    const token = await limited({ sources: [source] })
    expect({ v4: await from('127.0.0.1', token), v6: await from('::1', token) }).toEqual(expected)
  })

  it('of several policies let in whom all of them do', async () => {
    const token = await limited({ sources: ['127.0.0.0/8', '::1/128'] }, { sources: ['10.0.0.0/8', '::/0'] })
    expect([await from('127.0.0.1', token), await from('::1', token)]).toEqual(['source_not_allowed', 'in'])
  })
})

describe('connection types', () => {
  const refused = 'connection_type_not_allowed'

  it.each([
    [['STANDARD'], { tcp: 'in', websocket: refused, mqtt: refused }],
    [['WEBSOCKET'], { tcp: refused, websocket: 'in', mqtt: refused }],
    [['MQTT', 'MQTT_WS'], { tcp: refused, websocket: refused, mqtt: 'in' }],
  ])('%j let in who comes in that way', async (connectionTypes, expected) => {
    const token = await limited({ connectionTypes })
    const outcomes = {
      tcp: await by('tcp', token),
      websocket: await by('websocket', token),
      mqtt: await by('mqtt', token),
    }
    expect(outcomes).toEqual(expected)
  })

  it('of several policies let in whom all of them do', async () => {
    const token = await limited(
      { connectionTypes: ['STANDARD', 'WEBSOCKET'] },
      { connectionTypes: ['WEBSOCKET', 'MQTT', 'MQTT_WS'] },
    )
    expect([await by('tcp', token), await by('websocket', token), await by('mqtt', token)]).toEqual([
      refused,
      'in',
      refused,
    ])
  })
})

describe('sessions', () => {
  it('of several policies are as many as the strictest says; one that ends makes room', async () => {
    const token = await limited({ sessions: 2 }, { sessions: 5 })
    const open = async (): Promise<WireClient> => {
      const client = await openTcp(world.server.ports.nats)
      await client.connect({ auth_token: token })
      return client
    }
    const first = await open()
    await using _second = await open()
    expect(await by('tcp', token)).toBe('too_many_sessions')
    await first[Symbol.asyncDispose]()
    await eventually(async () => (await by('tcp', token)) === 'in')
  })
})

describe('windows', () => {
  const HOUR = 3_600_000
  const KOLKATA_MS = 5.5 * HOUR
  const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 19)
  const window = (from: number, to: number) => ({ zone: 'UTC', start: clock(from), end: clock(to) })

  it('let in who comes while one of each policy is open', async () => {
    const now = Date.now()
    const [open, closed] = [window(now - HOUR, now + HOUR), window(now + HOUR, now + 2 * HOUR)]
    expect(await by('tcp', await limited({ windows: [closed, open] }))).toBe('in')
    expect(await by('tcp', await limited({ windows: [closed] }))).toBe('outside_window')
    expect(await by('tcp', await limited({ windows: [open] }, { windows: [closed] }))).toBe('outside_window')
    const today = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][new Date(now - HOUR).getUTCDay()]
    expect(await by('tcp', await limited({ windows: [{ ...open, days: [today] }] }))).toBe('in')
  })

  it('end the connections of whoever is in when the first of them closes', async () => {
    const closesAt = Math.ceil(Date.now() / 1_000) * 1_000 + 3_000
    const here = window(closesAt - HOUR, closesAt + HOUR)
    const there = {
      zone: 'Asia/Kolkata',
      start: clock(closesAt + KOLKATA_MS - HOUR),
      end: clock(closesAt + KOLKATA_MS),
    }
    const token = await limited({ windows: [here] }, { windows: [there] })
    await using client = await openTcp(world.server.ports.nats)
    await client.connect({ auth_token: token })
    expect(world.heard.admitted.at(-1)?.expiresAt).toBe(closesAt / 1_000)

    await client.ended
    expect(client.errors).toEqual(["'User Authentication Expired'"])
    expect(Date.now()).toBeGreaterThanOrEqual(closesAt)
    expect(await by('tcp', token)).toBe('outside_window')
  })

  it('that meet are one to whoever is in', async () => {
    const meet = Math.ceil(Date.now() / 1_000) * 1_000 + 2_000
    const end = meet + HOUR
    const token = await limited({ windows: [window(meet - HOUR, meet), window(meet, end)] })
    expect(await by('tcp', token)).toBe('in')
    expect(world.heard.admitted.at(-1)?.expiresAt).toBe(end / 1_000)
  })

  it('are told by whoami, with the moment at which they close', async () => {
    const closesAt = Math.ceil(Date.now() / 1_000) * 1_000 + HOUR
    const windows = [window(closesAt - 2 * HOUR, closesAt)]
    await command(admin, 'policy.create', {
      name: 'told',
      limits: { windows, sessions: 3, sources: ['::/0', '0.0.0.0/0'] },
    })
    const token = await createUser(admin, 'ORDERS', { name: 'told', policies: ['told'] })
    const nc = await world.connect({ token })
    const told = await command(nc, 'whoami', {})
    expect(told['until']).toBe(new Date(closesAt).toISOString())
    expect(told['grant']).toMatchObject({ windows: [windows], sessions: 3, sources: ['0.0.0.0/0', '::/0'] })
  })
})

describe('a lifetime', () => {
  it('ends a connection when it is over', async () => {
    const token = await limited({ lifetime: '1h' }, { lifetime: '1s' })
    await using client = await openTcp(world.server.ports.nats)
    await client.connect({ auth_token: token })
    await client.ended
    expect(client.errors).toEqual(["'User Authentication Expired'"])
    expect(await by('tcp', token)).toBe('in')
  })
})

describe('what nobody enforces for one user', () => {
  it.each([
    ['subscriptions', 'nats-server does not enforce this per user: set limits.subscriptions of the account'],
    ['payload', 'nats-server does not enforce this per user: set limits.payload of the account'],
    ['dataRate', 'nats-server enforces no data rate: leave it out'],
    ['src', 'is not a field that is known here'],
  ])('is refused: %s', async (field, rule) => {
    const asked = command(admin, 'policy.create', { name: 'wish', limits: { [field]: 5 } })
    await expect(asked).rejects.toThrow(JSON.stringify({ where: `limits.${field}`, rule }))
  })
})
