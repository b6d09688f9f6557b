import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openWorld, type World } from '../support/world.ts'
import { as, done, ORDERS, refused } from './asking.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let door: Door
/** An admin of ORDERS: works there as `developer` does, and looks after its users. */
let chief: NatsConnection

async function delegate(name: string, facts: object = {}): Promise<NatsConnection> {
  const policies = ['developer', 'account-admin']
  const { token } = await door.newcomer(ORDERS, name, { policies, ...facts })
  return world.connect({ authenticator: tokenAuthenticator(token) })
}
const policy = (name: string, facts: object = {}): Promise<unknown> =>
  door.done('policy.create', { name, delegable: true, ...facts })

beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
  await door.done('policy.set-delegable', { policy: 'developer', delegable: true })
  await policy('orders-only', { publish: { allow: ['orders.>'], deny: ['orders.delete'] } })
  await policy('orders-all', { publish: { allow: ['orders.>'] } })
  await policy('payroll', { publish: { allow: ['payroll.>'] } })
  await policy('own-box', { subscribe: { allow: ['orders.box.{{user.metadata.box}}'] } })
  await policy('anywhere', { subscribe: { allow: ['{{user.metadata.box}}.>'] } })
  chief = await delegate('chief')
}, 60_000)
afterAll(() => world[Symbol.asyncDispose]())

describe('an admin of an account', () => {
  it('makes users, gives them what is delegable, and they can do it', async () => {
    await done(chief, 'user.create', { name: 'dora', policies: ['developer'] })
    const { token } = await done(chief, 'user.issue-token', { user: 'dora' })
    const dora = await world.connect({ authenticator: tokenAuthenticator(String(token)) })
    const { body } = await as(dora, 'whoami', {})
    expect(body['grant']).toMatchObject({ publish: { deny: ['orders.delete'] } })
    await done(chief, 'user.remove-policy', { user: 'dora', policy: 'developer' })
    await done(chief, 'user.assign-policy', { user: 'dora', policy: 'orders-only' })
    await done(chief, 'user.lock', { user: 'dora', reason: 'on leave' })
    await done(chief, 'user.unlock', { user: 'dora' })
    await done(chief, 'user.delete', { user: 'dora' })
  })

  it('sees its own account, its users, and the policies that it can use', async () => {
    await door.done('policy.create', { name: 'secret', account: 'ANALYTICS' })
    expect((await done(chief, 'account.get', {}))['account']).toMatchObject({ name: ORDERS })
    expect((await done(chief, 'user.list', {}))['items']).not.toEqual([])
    const { body } = await as(chief, 'policy.list', {})
    const names = (body['items'] as { name: string }[]).map(({ name }) => name)
    expect(names).toContain('developer')
    expect(names).not.toContain('secret')
  })

  it.each([
    'user.create',
    'user.list',
    'user.get',
    'user.lock',
    'user.issue-token',
    'user.delete',
    'account.get',
    'policy.get',
  ])('reaches into no other account with %s, nor learns whether it is there', async (command) => {
    const fields = {
      'user.create': { name: 'spy' },
      'user.list': {},
      'account.get': {},
      'policy.get': { policy: 'secret' },
      'user.lock': { user: 'service-a', reason: 'spite' },
    }[command] ?? { user: 'service-a' }
    const messages = new Set<string>()
    for (const account of ['ANALYTICS', 'ADMIN', 'AUTH', 'SYS', 'NOWHERE', world.trust.chain.admin])
      messages.add(await refused(chief, command, { ...fields, account }))
    expect(messages.size).toBe(1)
  })

  it.each([
    ['a policy that is not delegable', 'user.create', { name: 'e1', policies: ['readonly'] }],
    ['to itself, too', 'user.assign-policy', { user: 'chief', policy: 'admin' }],
    ['its own right to delegate', 'user.create', { name: 'e2', policies: ['account-admin'] }],
    ['more than it has', 'user.create', { name: 'e3', policies: ['payroll'] }],
    ['what it is denied', 'user.create', { name: 'e4', policies: ['orders-all'] }],
    ['itself what it lacks', 'user.assign-policy', { user: 'chief', policy: 'payroll' }],
    [
      'more by a metadata value',
      'user.create',
      { name: 'e5', policies: ['anywhere'], metadata: { box: 'payroll' } },
    ],
  ])('hands on nobody %s', async (_, command, payload) => {
    await refused(chief, command, payload)
    const { name, user } = payload as { name?: string; user?: string }
    const { status, body } = await door.command('user.get', { account: ORDERS, user: name ?? user })
    expect(status === 404 || !JSON.stringify(body).includes('payroll')).toBe(true)
  })

  it('widens nobody by metadata that a template takes', async () => {
    await done(chief, 'user.create', { name: 'boxed', policies: ['own-box'], metadata: { box: 'b1' } })
    await done(chief, 'user.update-metadata', { user: 'boxed', metadata: { box: 'b2' } })
    await door.done('policy.create', {
      name: 'wide-box',
      delegable: true,
      subscribe: { allow: ['{{user.metadata.box}}.>'] },
    })
    await door.done('user.assign-policy', { account: ORDERS, user: 'boxed', policy: 'wide-box' })
    const said = await refused(chief, 'user.update-metadata', { user: 'boxed', metadata: { box: 'payroll' } })
    expect(said).toContain('more than you have')
  })

  it.each([
    ['user.issue-token', {}],
    ['user.update-credentials', { credentials: [{ kind: 'password', password: 'a long password' }] }],
    ['user.lock', { reason: 'a coup' }],
    ['user.delete', {}],
    ['user.set-expiry', { expiresAt: '2026-01-01T00:00:00Z' }],
    ['user.remove-policy', { policy: 'payroll' }],
    ['user.update-metadata', { metadata: { a: 'b' } }],
  ])('does not take over somebody who may do more: %s', async (command, payload) => {
    const name = `boss-${command.replace('.', '-')}`
    const { credential } = await door.newcomer(ORDERS, name, { policies: ['payroll'] })
    await refused(chief, command, { user: name, ...payload })
    await refused(chief, 'user.revoke-credential', { user: name, credential })
  })

  it('gives no role that holds what it may not give', async () => {
    await door.done('role.create', { name: 'clerk', policies: ['orders-only'] })
    await door.done('role.create', { name: 'accountant', policies: ['orders-only', 'payroll'] })
    await door.done('role.create', { name: 'reader', policies: ['readonly'] })
    await done(chief, 'user.create', { name: 'clerk', roles: ['clerk'] })
    await refused(chief, 'user.create', { name: 'r1', roles: ['accountant'] })
    await refused(chief, 'user.assign-role', { user: 'clerk', role: 'accountant' })
    await refused(chief, 'user.assign-role', { user: 'clerk', role: 'reader' })
  })

  it('takes no deny off itself or others', async () => {
    await door.done('policy.create', { name: 'no-reports', publish: { deny: ['orders.report'] } })
    const barred = await delegate('barred-chief', { policies: ['developer', 'account-admin', 'no-reports'] })
    await refused(barred, 'user.remove-policy', { user: 'barred-chief', policy: 'no-reports' })
    await refused(barred, 'user.create', { name: 'proxy', policies: ['developer'] })
  })

  it('binds whom it makes to the networks that it is bound to', async () => {
    await door.done('policy.create', {
      name: 'near',
      limits: { sources: ['127.0.0.0/8', '::1/128'] },
      delegable: true,
    })
    const near = await delegate('near-chief', { policies: ['developer', 'account-admin', 'near'] })
    await refused(near, 'user.create', { name: 'far', policies: ['developer'] })
    await done(near, 'user.create', { name: 'close', policies: ['developer', 'near'] })
    await refused(near, 'user.remove-policy', { user: 'close', policy: 'near' })
  })

  it('binds whom it makes to its hours, its kinds of connection and its number of them', async () => {
    const windows = [{ zone: 'UTC', start: '00:00', end: '12:00' }]
    const hours = [...windows, { zone: 'UTC', start: '12:00', end: '00:00' }] // So that it is always open.
    const limits = { windows: hours, connectionTypes: ['STANDARD', 'WEBSOCKET'], sessions: 5 }
    await door.done('policy.create', { name: 'bound', limits, delegable: true })
    const bound = await delegate('bound-chief', { policies: ['developer', 'account-admin', 'bound'] })
    for (const [name, less] of [
      ['timeless', { ...limits, windows: [{ ...hours[0], zone: 'Etc/UTC' }] }],
      ['mqtt', { ...limits, connectionTypes: ['STANDARD', 'MQTT', 'MQTT_WS'] }],
      ['many', { ...limits, sessions: 6 }],
    ] as const) {
      await door.done('policy.create', { name, limits: less, delegable: true })
      await refused(bound, 'user.create', { name: `of-${name}`, policies: ['developer', name] })
    }
    const more = { windows, connectionTypes: ['STANDARD'], sessions: 1 }
    await door.done('policy.create', { name: 'more-bound', limits: more, delegable: true })
    await done(bound, 'user.create', { name: 'of-more-bound', policies: ['developer', 'more-bound'] })
    await done(bound, 'user.create', { name: 'of-bound', policies: ['developer', 'bound', 'many'] })
  })

  it('is outlived by nobody it makes', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    const brief = await delegate('brief-chief', { expiresAt })
    await refused(brief, 'user.set-expiry', { user: 'brief-chief' })
    await refused(brief, 'user.create', { name: 'heir', policies: ['developer'] })
    await done(brief, 'user.create', { name: 'heir', policies: ['developer'], expiresAt })
    await done(brief, 'user.issue-token', { user: 'heir' })
    await done(chief, 'user.create', { name: 'peer', policies: ['developer'] })
    await refused(brief, 'user.issue-token', { user: 'peer' })
    await refused(brief, 'user.issue-token', { user: 'peer', ttl: '2h' })
    await refused(brief, 'user.update-credentials', {
      user: 'peer',
      credentials: [{ kind: 'password', password: 'a long password' }],
    })
    await done(brief, 'user.issue-token', { user: 'peer', ttl: '30m' })
  })

  it.each([
    ['account.create', { name: 'OWN' }],
    ['account.update-limits', { account: ORDERS, limits: {} }],
    ['account.set-boundary-policy', { account: ORDERS }],
    ['account.suspend', { account: ORDERS, reason: 'x' }],
    ['account.list', {}],
    ['policy.create', { name: 'mine', publish: { allow: ['>'] } }],
    ['policy.create', { name: 'mine', account: ORDERS, publish: { allow: ['>'] } }],
    ['policy.update-permissions', { policy: 'developer', publish: { allow: ['>'] } }],
    ['policy.set-delegable', { policy: 'admin', delegable: true }],
    ['role.create', { name: 'mine', policies: ['admin'] }],
    ['role.update', { role: 'clerk', policies: ['payroll'] }],
  ])('may not send %s even with a policy that lets it publish everything', async (command, payload) => {
    const { token } = await door.newcomer(ORDERS, `tsar-${Math.random().toString(36).slice(2)}`, {
      policies: ['admin'],
    })
    const tsar = await world.connect({ authenticator: tokenAuthenticator(token) })
    const { status, error } = await as(tsar, command, payload)
    expect([status, error.code]).toEqual([403, 'forbidden'])
  })

  it('gets no more under another commandId, nor what somebody else was answered', async () => {
    await door.done('user.create', { account: ORDERS, name: 'named', commandId: 'same-id' })
    await refused(chief, 'user.create', { name: 'another', policies: ['payroll'], commandId: 'same-id' })
  })
})
