import { tokenAuthenticator } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { permit } from '../../src/admin/caller.ts'
import type { Admin } from '../../src/admin/execute.ts'
import type { StateStore } from '../../src/admin/state-store.ts'
import { View } from '../../src/admin/transaction.ts'
import { openWorld, type World } from '../support/world.ts'
import { as, commandNamed, done, late, ORDERS, refused } from './asking.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let door: Door
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
  await door.done('policy.create', { name: 'payroll', publish: { allow: ['payroll.>'] } })
})
afterAll(() => world[Symbol.asyncDispose]())

/** The admin of this process, to whom something happens just before the first commit. */
function interrupted(admin: Admin, happens: () => Promise<unknown>): Admin {
  const { store } = admin
  let isFirst = true
  const commit: StateStore['commit'] = async (writes) => {
    if (isFirst) {
      isFirst = false
      await happens()
    }
    return store.commit(writes)
  }
  return {
    ...admin,
    store: { get: (key) => store.get(key), page: (...asked) => store.page(...asked), commit },
  }
}

describe('who was an admin', () => {
  it.each([
    ['locked out', 'user.lock', { reason: 'left' }],
    ['expired', 'user.set-expiry', { expiresAt: '2026-01-01T00:00:00Z' }],
    ['deleted', 'user.delete', {}],
    ['without the policy', 'user.remove-policy', { policy: 'admin' }],
  ])('and is %s is connected no more, and what it had under way is not done', async (_, end, payload) => {
    const name = `was-${end.replace('.', '-')}`
    const { token } = await door.newcomer('ADMIN', name, { policies: ['admin'] })
    const was = await door.enter(token)
    expect((await as(was, 'account.list', {})).status).toBe(200)

    const admin = interrupted(world.gatehouse.admin, () =>
      door.done(end, { account: 'ADMIN', user: name, ...payload }),
    )
    const actor = { account: world.trust.chain.admin, user: name }
    const policy = `of-${name}`
    await expect(late(admin, actor, 'policy.create', { name: policy })).rejects.toMatchObject({
      code: 'forbidden',
    })
    expect((await door.command('policy.get', { policy })).status).toBe(404)
    await was.closed()
  })
})

describe('who is connected under a name', () => {
  it('is not the one who got that name later', async () => {
    await door.newcomer('ADMIN', 'reborn', { policies: ['admin'] })
    const actor = { account: world.trust.chain.admin, user: 'reborn' }
    const command = commandNamed('account.list')
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

describe('who in ADMIN may send some commands only', () => {
  it.each([
    ['policy.update-permissions', { policy: 'half-admin', publish: { allow: ['auth.v1.>'] } }],
    ['policy.create', { name: 'more', publish: { allow: ['auth.v1.>'] } }],
    ['policy.create', { name: 'by-value', publish: { allow: ['{{user.metadata.a}}.v1.>'] } }],
    ['policy.create', { name: 'all', publish: { allow: ['>'] } }],
    ['policy.update-permissions', { policy: 'account-admin', publish: { allow: ['x'] } }],
    ['role.update', { role: 'hr', policies: ['admin'] }],
    ['role.create', { name: 'boss', policies: ['admin'] }],
    ['account.set-default-policy', { account: 'ADMIN', policy: 'admin' }],
    ['policy.rollback', { policy: 'admin', version: 1 }],
    ['policy.delete', { policy: 'auditor' }],
  ])('does not come to the others by %s %j', async (command, payload) => {
    const name = `half-${Math.random().toString(36).slice(2)}`
    const allow = ['user', 'role', 'policy', 'account'].map((each) => `auth.v1.${each}.*`)
    await door.command('policy.create', { name: 'half-admin', publish: { allow } })
    // Another version to go back to, for which nobody's connection ends: the door lives by this policy.
    await door.command('policy.update-limits', { policy: 'admin', limits: { sessions: 1_000 } })
    await door.command('role.create', { name: 'hr', policies: [] })
    const { token } = await door.newcomer('ADMIN', name, { policies: ['half-admin'], roles: ['hr'] })
    const half = await door.enter(token)
    const { status, error } = await as(half, command, payload)
    expect([status, error.code]).toEqual([403, 'forbidden'])
  })

  it('changes what is about other things', async () => {
    const { token } = await door.newcomer('ADMIN', 'half-of-all', { policies: ['half-admin'] })
    const half = await door.enter(token)
    const made = await as(half, 'policy.create', { name: 'harmless', publish: { allow: ['orders.>'] } })
    expect(made.status).toBe(200)
    expect((await as(half, 'role.create', { name: 'harmless', policies: ['harmless'] })).status).toBe(200)
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
