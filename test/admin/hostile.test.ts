import { once } from 'node:events'
import { createConnection } from 'node:net'
import { jetstreamManager } from '@nats-io/jetstream'
import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { accountKey, policyKey, userKey } from '../../src/domain/state-keys.ts'
import { BODY_MAX, COMMANDS_PER_CALLER_MAX } from '../../src/nats/admin-service.ts'
import { STATE_STREAM } from '../../src/nats/buckets.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { late } from './asking.ts'
import { ask, type Reply } from './bus.ts'

let world: World
let admin: NatsConnection
let alice: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  alice = await world.connectAs('alice@example.com')
})
afterAll(() => world[Symbol.asyncDispose]())

const command = (name: string, payload: unknown): Promise<Reply> => ask(admin, { command: name, payload })

async function lastSequence(): Promise<number> {
  const manager = await jetstreamManager(world.gatehouse.connection.nc)
  return (await manager.streams.info(STATE_STREAM)).state.last_seq
}

/** Keys that are not known, as many as asked for. */
const unknown = (count: number): Record<string, number> =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 1]))

async function stored<Value>(key: string): Promise<Value> {
  return (await world.gatehouse.admin.store.get(key)).value as Value
}

describe('a body', () => {
  it('of more faults than anybody reads is told the first of them', async () => {
    const { status, error } = await ask(alice, { command: 'whoami', payload: unknown(5_000) })
    expect([status, error.code]).toEqual([400, 'invalid_request'])
    expect(error.faults).toHaveLength(50)
    expect(error).toMatchObject({ more: 4_950 })
    expect(error.message).toMatch(/; and 4990 more$/)
    expect(error.message.length).toBeLessThanOrEqual(1_024)
  })

  it('of one long fault is answered in few words', async () => {
    const { error } = await ask(alice, { command: 'whoami', payload: { ['x'.repeat(50_000)]: 1 } })
    expect(JSON.stringify(error).length).toBeLessThan(4_096)
  })

  it('that is too large is not parsed, and the service lives on', async () => {
    const { status, error } = await ask(alice, { command: 'whoami', payload: unknown(20_000) })
    expect([status, error.code]).toEqual([413, 'too_large'])
    expect(await ask(alice, { command: 'whoami', payload: '{'.padEnd(BODY_MAX + 1) })).toMatchObject({
      status: 413,
    })
    expect(await ask(alice, { command: 'whoami', payload: '{}'.padEnd(BODY_MAX) })).toMatchObject({
      status: 200,
    })
  })

  it('of somebody who may not send it is not looked at', async () => {
    await command('user.create', { account: 'ORDERS', name: 'curious', policies: ['admin'] })
    const { body } = await command('user.issue-token', { account: 'ORDERS', user: 'curious' })
    const curious = await world.connect({ authenticator: tokenAuthenticator(String(body['token'])) })
    const { status, error } = await ask(curious, { command: 'account.create', payload: unknown(3) })
    expect([status, error.code, error.faults]).toEqual([403, 'forbidden', []])
  })
})

describe('headers', () => {
  it('that are none name no caller, and nobody is alarmed', async () => {
    const { hostname, port } = new URL(world.server.url)
    const socket = createConnection(Number(port), hostname)
    await once(socket, 'connect')
    let heard = ''
    socket.on('data', (data: Buffer) => (heard += data.toString()))
    const options = { verbose: false, headers: true, auth_token: world.tokens['alice@example.com'] }
    const head = 'NATS/1.0\r\nNats-Request-Info : x\r\n\r\n'
    socket.write(`CONNECT ${JSON.stringify(options)}\r\nSUB _INBOX.raw 1\r\n`)
    socket.write(`HPUB auth.v1.whoami _INBOX.raw ${head.length} ${head.length + 2}\r\n${head}{}\r\nPING\r\n`)
    const code = await eventually(() => /Nats-Service-Error-Code: ?(\d+)/.exec(heard)?.[1])
    socket.destroy()
    expect(code).toBe('401')
    expect(heard).toContain('no_caller')
    expect(world.heard.failures).toEqual([])
  })
})

describe('a crowd', () => {
  it('of one caller is turned away at once beyond its share, and nobody else is', async () => {
    const before = (await ask(alice, { command: 'whoami' })).status
    const slow = Array.from({ length: COMMANDS_PER_CALLER_MAX + 40 }, (_, n) =>
      command('policy.create', { name: `crowd-${n}` }),
    )
    const [others, ...replies] = await Promise.all([ask(alice, { command: 'whoami' }), ...slow])
    expect([before, others.status]).toEqual([200, 200])
    const told = (status: number): number => replies.filter((reply) => reply.status === status).length
    expect(told(200)).toBeGreaterThanOrEqual(COMMANDS_PER_CALLER_MAX)
    expect(told(429)).toBeGreaterThan(0)
    expect(told(200) + told(429)).toBe(replies.length)
    expect(replies.find(({ status }) => status === 429)?.error.code).toBe('busy')
  })

  it('that asks who it is keeps nobody from logging in, and asks the state for nothing', async () => {
    const reads = vi.spyOn(world.gatehouse.admin.store, 'get')
    let answered = 0
    const inbox = '_INBOX.crowd'
    alice.subscribe(inbox, { callback: () => void (answered += 1) })
    for (let n = 0; n < 2_000; n += 1) alice.publish('auth.v1.whoami', '', { reply: inbox })
    const other = await world.connectAs('service-a')
    expect((await ask(other, { command: 'whoami' })).status).toBe(200)
    await eventually(() => answered === 2_000)
    expect(reads.mock.calls.filter(([key]) => key.startsWith('user.'))).toEqual([])
    reads.mockRestore()
    expect(world.heard.failures).toEqual([])
  })
})

describe('a wildcard', () => {
  it.each(['*', '>', 'account.*', 'ORDERS.>', 'A*', ''])('is no account: %j', async (account) => {
    const before = await lastSequence()
    for (const [name, payload] of [
      ['user.create', { account, name: 'intruder' }],
      ['account.update-metadata', { account, description: 'mine' }],
      ['policy.create', { account, name: 'intruder' }],
    ] as const) {
      const { status, error } = await command(name, payload)
      expect([name, status, error.code]).toEqual([name, 400, 'invalid_request'])
      expect(error.faults[0]?.where).toBe('account')
    }
    expect(await lastSequence()).toBe(before)
  })

  it('is in no key', () => {
    for (const id of ['*', '>', '', 'a.b', 'a b', 'é'])
      for (const key of [accountKey, policyKey, (id: string) => userKey('A', id)])
        expect(() => key(id)).toThrow(expect.objectContaining({ code: 'invalid_request' }) as Error)
  })

  it('is no name of an account by its key either: only a whole one is', async () => {
    const [id = ''] = world.gatehouse.directory.accounts.flatMap(({ name, id }) =>
      name === 'ORDERS' ? [id] : [],
    )
    expect(await command('user.create', { account: id, name: 'by-key' })).toMatchObject({ status: 200 })
    const half = { account: id.slice(0, 20), name: 'by-half' }
    expect(await command('user.create', half)).toMatchObject({ status: 404 })
  })
})

describe('the accounts of Gatehouse', () => {
  it.each(['SYS', 'AUTH'])('do not change: %s', async (account) => {
    const before = await lastSequence()
    for (const [name, payload] of [
      ['account.update-limits', { account, limits: { connections: 1 } }],
      ['account.set-default-policy', { account, policy: 'base' }],
      ['account.update-metadata', { account, description: 'mine' }],
    ] as const) {
      const { status, error } = await command(name, payload)
      expect([name, status, error.code]).toEqual([name, 403, 'forbidden'])
    }
    expect(await lastSequence()).toBe(before)
  })
})

describe('whoami', () => {
  it('tells no grant that the door would not give: a policy is missing', async () => {
    const { body } = await command('user.create', {
      account: 'ORDERS',
      name: 'widow',
      policies: ['developer'],
    })
    const issued = await command('user.issue-token', { account: 'ORDERS', user: 'widow' })
    const widow = await world.connect({
      authenticator: tokenAuthenticator(String(issued.body['token'])),
    })
    const key = userKey(String(body['account']), String(body['user']))
    const { value, revision } = await world.gatehouse.admin.store.get(key)
    const user = value as { readonly policies: readonly string[] }
    expect(await stored(policyKey(user.policies[0] ?? ''))).toBeDefined()
    const spoilt = { ...user, policies: [...user.policies, 'GONE'] }
    await world.gatehouse.admin.store.commit([{ key, value: spoilt, expected: revision }])
    await widow.closed()
    const asked = late(world.gatehouse.admin, { account: String(body['account']), user: 'widow' }, 'whoami')
    await expect(asked).rejects.toMatchObject({
      code: 'policy_missing',
      message: expect.stringContaining('GONE') as string,
    })
  })
})
