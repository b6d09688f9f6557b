import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { permit } from '../../src/admin/caller.ts'
import { commands } from '../../src/admin/commands.ts'
import { View } from '../../src/admin/transaction.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask, type Reply } from './bus.ts'
import { openDoor, type Door } from './door.ts'

const ORDERS = 'ORDERS'
let world: World
let door: Door
/** An admin of ORDERS: works there as `developer` does, and looks after its users. */
let chief: NatsConnection

const as = (nc: NatsConnection, command: string, payload: unknown): Promise<Reply> =>
  ask(nc, { command, payload })
const refused = async (nc: NatsConnection, command: string, payload: object): Promise<string> => {
  const { status, error } = await as(nc, command, { account: ORDERS, ...payload })
  expect([command, status, error.code]).toEqual([command, 403, 'forbidden'])
  return error.message
}
const done = async (nc: NatsConnection, command: string, payload: object): Promise<Reply['body']> => {
  const { status, body } = await as(nc, command, { account: ORDERS, ...payload })
  expect([command, status, body['error']]).toEqual([command, 200, undefined])
  return body
}
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

  it('is outlived by nobody it makes', async () => {
    const brief = await delegate('brief-chief')
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    await door.done('user.set-expiry', { account: ORDERS, user: 'brief-chief', expiresAt })
    await refused(brief, 'user.set-expiry', { user: 'brief-chief' })
    await refused(brief, 'user.create', { name: 'heir', policies: ['developer'] })
    await done(brief, 'user.create', { name: 'heir', policies: ['developer'], expiresAt })
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

describe('who was an admin', () => {
  it.each([
    ['locked out', 'user.lock', { reason: 'left' }],
    ['expired', 'user.set-expiry', { expiresAt: '2026-01-01T00:00:00Z' }],
    ['deleted', 'user.delete', {}],
    ['without the policy', 'user.remove-policy', { policy: 'admin' }],
  ])('and is %s commands nothing through the connection that is left', async (_, command, payload) => {
    const name = `was-${command.replace('.', '-')}`
    const { token } = await door.newcomer('ADMIN', name, { policies: ['admin'] })
    const was = await door.enter(token)
    expect((await as(was, 'account.list', {})).status).toBe(200)
    await door.done(command, { account: 'ADMIN', user: name, ...payload })
    expect(await as(was, 'account.list', {})).toMatchObject({ status: 403, error: { code: 'forbidden' } })
  })
})

describe('who is connected under a name', () => {
  it('is not the one who got that name later', async () => {
    await door.newcomer('ADMIN', 'reborn', { policies: ['admin'] })
    const actor = { account: world.trust.chain.admin, user: 'reborn' }
    const command = commands.find(({ name }) => name === 'account.list')!
    const permitted = (connectedAt: string) =>
      permit(new View(world.gatehouse.admin.store), { actor, connectedAt, nowMs: Date.now() }, command)
    await expect(permitted(new Date(Date.now() - 3_600_000).toISOString())).rejects.toMatchObject({
      code: 'forbidden',
    })
    await expect(permitted(new Date().toISOString())).resolves.toMatchObject({ user: { name: 'reborn' } })
  })
})

describe('a help desk in ADMIN', () => {
  it('looks after users anywhere, and neither makes nor becomes an admin', async () => {
    await door.done('policy.create', { name: 'help-desk', publish: { allow: ['auth.v1.user.*'] } })
    const { token } = await door.newcomer('ADMIN', 'desk', { policies: ['help-desk'] })
    const desk = await door.enter(token)
    await done(desk, 'user.create', { name: 'helped', policies: ['payroll', 'readonly'] })
    await done(desk, 'user.issue-token', { user: 'helped' })
    const ADMIN = { account: 'ADMIN' }
    await done(desk, 'user.create', { ...ADMIN, name: 'second-desk', policies: ['help-desk'] })
    await refused(desk, 'user.create', { ...ADMIN, name: 'new-admin', policies: ['admin'] })
    await refused(desk, 'user.assign-policy', { ...ADMIN, user: 'desk', policy: 'admin' })
    await refused(desk, 'user.issue-token', { ...ADMIN, user: 'admin' })
    await refused(desk, 'user.lock', { ...ADMIN, user: 'admin', reason: 'a coup' })
  })
})

describe('an auditor', () => {
  it('of ADMIN sees everything and changes nothing', async () => {
    const { token } = await door.newcomer('ADMIN', 'auditor', { policies: ['auditor'] })
    const auditor = await world.connect({ authenticator: tokenAuthenticator(token) })
    for (const [command, payload] of [
      ['account.list', {}],
      ['user.list', { account: ORDERS }],
      ['policy.get', { policy: 'admin' }],
    ] as const)
      expect((await as(auditor, command, payload)).status).toBe(200)
    await expect(as(auditor, 'user.create', { account: ORDERS, name: 'x' })).rejects.toThrow()
  })

  it('of an account sees that account alone', async () => {
    const { token } = await door.newcomer(ORDERS, 'local-auditor', { policies: ['auditor'] })
    const auditor = await world.connect({ authenticator: tokenAuthenticator(token) })
    expect((await as(auditor, 'user.list', { account: ORDERS })).status).toBe(200)
    expect((await as(auditor, 'user.list', { account: 'ANALYTICS' })).status).toBe(403)
    expect((await as(auditor, 'account.list', {})).status).toBe(403)
    await expect(as(auditor, 'user.lock', { account: ORDERS, user: 'x', reason: 'y' })).rejects.toThrow()
  })
})
