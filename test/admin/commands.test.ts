import { jetstreamManager } from '@nats-io/jetstream'
import { Svcm } from '@nats-io/services'
import {
  headers,
  PermissionViolationError,
  tokenAuthenticator,
  type NatsConnection,
} from '@nats-io/transport-node'
import Ajv from 'ajv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commands } from '../../src/admin/commands.ts'
import { requestOf } from '../../src/admin/envelope.ts'
import { check } from '../../src/admin/faults.ts'
import { STATE_STREAM } from '../../src/nats/buckets.ts'
import { hashToken } from '../../src/keys/token.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask, auditOf, insideAuth, type Heard, type Reply } from './bus.ts'

let world: World
let admin: NatsConnection
let audit: readonly Heard[]
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  audit = await auditOf(world)
})
afterAll(() => world[Symbol.asyncDispose]())

const command = (name: string, payload: unknown = {}): Promise<Reply> =>
  ask(admin, { command: name, payload })

/** A user of ORDERS whom a policy lets send every command. */
async function connectTenant(name: string): Promise<NatsConnection> {
  await command('user.create', { account: 'ORDERS', name, policies: ['admin'] })
  const { body } = await command('user.issue-token', { account: 'ORDERS', user: name })
  return world.connect({ authenticator: tokenAuthenticator(String(body['token'])) })
}

/** Events in the stream, once those of this reply are among them. */
async function heardOf(reply: Reply): Promise<readonly Heard[]> {
  const ids = (reply.body['events'] as Heard['event'][]).map(({ metadata }) => metadata['id'])
  await eventually(() => ids.every((id) => audit.some(({ event }) => event.metadata['id'] === id)))
  return audit.filter(({ event }) => ids.includes(event.metadata['id']))
}

async function lastSequence(): Promise<number> {
  const manager = await jetstreamManager(world.gatehouse.connection.nc)
  return (await manager.streams.info(STATE_STREAM)).state.last_seq
}

describe('the caller', () => {
  it('who is nobody on the bus is told so', async () => {
    const inside = await insideAuth(world)
    const { status, error } = await ask(inside, { command: 'whoami' })
    expect([status, error.code]).toEqual([401, 'no_caller'])
  })

  it('of another account is refused, whatever policies say', async () => {
    const tenant = await connectTenant('tenant')
    const { status, error } = await ask(tenant, { command: 'account.create', payload: { name: 'X' } })
    expect([status, error.code]).toEqual([403, 'forbidden'])
    expect(error.message).toContain('"ORDERS"')
    expect((await command('account.get', { account: 'X' })).status).toBe(404)
  })

  it('cannot say that it is somebody else', async () => {
    const tenant = await connectTenant('forger')
    const forged = headers()
    forged.set('Nats-Request-Info', JSON.stringify({ acc: world.trust.chain.admin, user: 'admin' }))
    const payload = { account: 'ANALYTICS', name: 'x' }

    expect((await ask(tenant, { command: 'user.create', payload, headers: forged })).status).toBe(403)
    const { body } = await ask(tenant, { command: 'whoami', headers: forged })
    expect(body).toMatchObject({ account: { name: 'ORDERS' }, user: { name: 'forger' } })
  })

  it.each(['alice@example.com', 'service-a'])('%s is stopped by the server itself', async (name) => {
    const nc = await world.connectAs(name)
    await expect(ask(nc, { command: 'user.create' })).rejects.toSatisfy(
      (error: Error) =>
        error instanceof PermissionViolationError || error.cause instanceof PermissionViolationError,
    )
  })

  it('is told who it is and what it may', async () => {
    const alice = await world.connectAs('alice@example.com')
    const { status, body } = await ask(alice, { command: 'whoami' })
    const { user, account, grant } = body as Record<string, { id: string; name: string }>
    expect(status).toBe(200)
    expect(account?.name).toBe('ORDERS')
    expect(user?.name).toBe('alice@example.com')
    expect(grant).toMatchObject({
      publish: { allow: ['auth.v1.whoami', 'inventory.>', 'orders.>'], deny: ['orders.delete'] },
      subscribe: { allow: ['_INBOX.>', `_INBOX_${user!.id}.>`, 'inventory.>', 'orders.>'], deny: [] },
    })
  })
})

describe('the example of a command', () => {
  it.each(commands.map((each) => [each.name, each] as const))('%s is accepted as it is', (_, each) => {
    const checked = check(requestOf(each), each.example)
    expect(checked).toMatchObject({ ok: true })
  })
})

describe('the service', () => {
  it('tells in its endpoints what each command accepts and answers', async () => {
    const info = await new Svcm(admin).client().info('gatehouse')
    for await (const { endpoints } of info) {
      const byName = new Map(endpoints.map(({ subject, metadata }) => [subject, metadata]))
      expect([...byName.keys()].sort()).toEqual(commands.map(({ name }) => `auth.v1.${name}`).sort())
      const { request_schema = '', response_schema = '' } = byName.get('auth.v1.user.create') ?? {}
      const accepts = new Ajv().compile(JSON.parse(request_schema) as object)
      expect(accepts({ account: 'ORDERS', name: 'x', ifRevision: 3 })).toBe(true)
      expect(accepts({ account: 'ORDERS', nme: 'x' })).toBe(false)
      const { required } = JSON.parse(response_schema) as { readonly required: readonly string[] }
      expect(required).toEqual(expect.arrayContaining(['user', 'revision']))
    }
    expect.assertions(4)
  })
})

describe('a command', () => {
  it.each([
    ['no JSON', 'user.create', '{', []],
    ['a list', 'user.create', '[]', [': must be a map of fields, not a list']],
    ['nothing', 'user.create', '', ['account: is missing: must be text', 'name: is missing: must be text']],
    [
      'bad fields',
      'user.create',
      { account: 5, name: 'a b', policies: [1], extra: 1, metadata: { 'a.b': '' } },
      [
        'account: must be text, not a number (put it in quotes)',
        'name: must not contain spaces or control characters',
        'policies[0]: must be text, not a number (put it in quotes)',
        'metadata.a.b: must be letters, digits, _ or -',
        'extra: is not a field that is known here',
      ],
    ],
    [
      'credentials of no kind',
      'user.update-credentials',
      {
        account: 'ORDERS',
        user: 'u',
        credentials: [
          { kind: 'pin' },
          { kind: 'password', password: 'short' },
          { kind: 'nkey', publicKey: 'A' },
        ],
      },
      [
        'credentials[0].kind: must be password, nkey or token',
        'credentials[1].password: must have at least 8 characters',
        'credentials[2].publicKey: must be a user public key (U…)',
      ],
    ],
  ])('with %s is refused with every fault', async (_, name, payload, expected) => {
    const before = await lastSequence()
    const { status, error } = await command(name, payload)
    expect([status, error.code]).toEqual([400, 'invalid_request'])
    expect(error.faults.map(({ where, rule }) => `${where}: ${rule}`)).toEqual(expected)
    expect(await lastSequence()).toBe(before)
  })

  it('with limits that nobody enforces is told where they could be set', async () => {
    const payload = { name: 'x', limits: { subscriptions: 1 } }
    const { status, error } = await command('policy.create', payload)
    expect([status, error.code]).toEqual([422, 'unenforceable'])
    const rule = 'nats-server does not enforce this per user: set limits.subscriptions of the account'
    expect(error.faults).toEqual([{ where: 'limits.subscriptions', rule }])
    const worse = await command('policy.create', { ...payload, nme: 'x' })
    expect([worse.status, worse.error.faults.length]).toEqual([400, 2])
  })

  it.each(['SYS', 'AUTH'])('puts nobody into %s', async (account) => {
    const { status, error } = await command('user.create', { account, name: 'intruder' })
    expect([status, error.code]).toEqual([403, 'forbidden'])
  })

  it.each([
    ['user.create', { account: 'NOWHERE', name: 'u' }],
    ['user.create', { account: 'ORDERS', name: 'u', policies: ['nothing'] }],
    ['user.issue-token', { account: 'ORDERS', user: 'nobody' }],
    ['policy.update-limits', { policy: 'nothing', limits: {} }],
  ])('%s about what is not there is refused: %j', async (name, payload) => {
    const before = await lastSequence()
    expect(await command(name, payload)).toMatchObject({ status: 404, error: { code: 'not_found' } })
    expect(await lastSequence()).toBe(before)
  })

  it("that means an account's own policy does not change everybody's", async () => {
    const payload = { policy: 'base', account: 'ORDERS', publish: { allow: ['>'] } }
    expect(await command('policy.update-permissions', payload)).toMatchObject({ status: 404 })
  })

  it('that asks for what is so already changes nothing', async () => {
    const before = await lastSequence()
    const { body } = await command('user.assign-policy', {
      account: 'ORDERS',
      user: 'alice@example.com',
      policy: 'developer',
    })
    expect(body).toMatchObject({ events: [] })
    expect(body['revision']).toBeGreaterThan(0)
    expect(await lastSequence()).toBe(before)
  })
})

describe('twenty at once', () => {
  it('who create one user: one wins, nineteen are told, and they leave no trace', async () => {
    const before = await lastSequence()
    const create = { account: 'ORDERS', name: 'contested' }
    const replies = await Promise.all(Array.from({ length: 20 }, () => command('user.create', create)))

    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(replies.filter(({ status }) => status !== 200).map(({ error }) => error.code)).toEqual(
      Array(19).fill('already_exists'),
    )
    expect(await lastSequence()).toBe(before + 4) // The user, its name, its event, and a marker: two holds, one event.
  })

  it('who each assign a policy to one user all succeed', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `crowd-${n}`)
    await command('user.create', { account: 'ORDERS', name: 'crowded' })
    for (const name of names) await command('policy.create', { name })
    const user = { account: 'ORDERS', user: 'crowded' }
    const replies = await Promise.all(
      names.map((policy) => command('user.assign-policy', { ...user, policy })),
    )

    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(200))
    const revisions = replies.map(({ body }) => Number(body['revision']))
    expect(new Set(revisions).size).toBe(20)
    const { id, account } = (await world.gatehouse.directory.usersNamed('crowded'))[0]!
    const stored = await world.gatehouse.admin.store.get(`user.${account}.${id}`)
    expect((stored.value as { policies: string[] }).policies).toHaveLength(20)
    expect(stored.revision).toBe(Math.max(...revisions))
  })
})

describe('an event', () => {
  it('of every commit is in the audit stream once, in order, under its account', async () => {
    const { body: created } = await command('account.create', { name: 'EVENTFUL' })
    const account = String(created['account'])
    const replies = [
      await command('user.create', { account: 'EVENTFUL', name: 'u' }),
      await command('user.assign-policy', { account: 'EVENTFUL', user: 'u', policy: 'readonly' }),
      await command('user.update-metadata', { account: 'EVENTFUL', user: 'u', metadata: { a: 'b' } }),
      await command('user.remove-policy', { account: 'EVENTFUL', user: 'u', policy: 'readonly' }),
    ]
    await heardOf(replies.at(-1)!)

    const ours = audit.filter(({ subject }) => subject.startsWith(`auth.event.${account}.`))
    expect(ours.map(({ subject }) => subject.slice(`auth.event.${account}.`.length))).toEqual([
      'account.created',
      'user.registered',
      'user.policy_assigned',
      'user.metadata_updated',
      'user.policy_removed',
    ])
    for (const { subject, event } of ours) expect(event.subject).toBe(subject)
    expect(ours.slice(1).map(({ event }) => event)).toEqual(replies.flatMap(({ body }) => body['events']))
    expect(ours.at(-1)?.event.metadata).toMatchObject({
      service: 'gatehouse',
      schema: 1,
      actor: { account: world.trust.chain.admin, user: 'admin' },
    })
  })

  it('and no reply tells a secret, nor its hash, but the token once', async () => {
    const user = { account: 'ORDERS', user: 'bob@example.com' }
    const password = 'correct horse battery staple'
    const issued = await command('user.issue-token', { ...user, label: 'laptop', ttl: '1h' })
    const updated = await command('user.update-credentials', {
      ...user,
      credentials: [{ kind: 'password', password }],
    })
    await heardOf(issued)
    await heardOf(updated)

    const token = String(issued.body['token'])
    const { token: _shown, ...rest } = issued.body
    const told = JSON.stringify([rest, updated.body, audit, world.heard.log])
    expect(told).toContain('"label":"laptop"')
    for (const secret of [token, hashToken(token), password, '$argon2id', 'hash', '"ciphertext"']) {
      expect(told, secret.slice(0, 4)).not.toContain(secret)
    }
    expect(audit.filter(({ subject }) => subject.endsWith('.user.credential_added')).length).toBeGreaterThan(
      3,
    )
  })
})
