import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { POLICY_VERSIONS_MAX } from '../../src/domain/policy.ts'
import { policyVersionsFilter } from '../../src/domain/state-keys.ts'
import { openWorld, type World } from '../support/world.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let door: Door
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
})
afterAll(() => world[Symbol.asyncDispose]())

/** What somebody who shows the token may publish, as the grant says that a connection now would get. */
async function mayPublish(token: string): Promise<readonly string[]> {
  await world.gatehouse.directory.upToDate()
  const nc = await door.enter(token)
  const { grant } = (await nc.request('auth.v1.whoami')).json<{ grant: { publish: { allow: string[] } } }>()
  await nc.close()
  return grant.publish.allow
}

const policy = (name: string, allow: string, more: object = {}) =>
  door.done('policy.create', { name, publish: { allow: [allow] }, ...more })
const inUse = { status: 409, error: { code: 'in_use' } }

describe('a policy', () => {
  it('keeps its users when it is renamed, and only the new name leads to it', async () => {
    await policy('old-name', 'renamed.>')
    const { token } = await door.newcomer('ORDERS', 'renamed', { policies: ['old-name'] })
    const { events } = await door.done('policy.rename', { policy: 'old-name', name: 'new-name' })
    expect(events).toMatchObject([{ data: { old: 'old-name', new: 'new-name', version: 2 } }])
    expect(await mayPublish(token)).toContain('renamed.>')
    expect(await door.command('policy.get', { policy: 'old-name' })).toMatchObject({ status: 404 })
    expect(await door.done('user.get', { account: 'ORDERS', user: 'renamed' })).toMatchObject({
      user: { policies: ['new-name'] },
    })
    await policy('old-name', 'another.>')
    expect(await mayPublish(token)).not.toContain('another.>')
    expect(await door.command('policy.rename', { policy: 'old-name', name: 'new-name' })).toMatchObject({
      status: 409,
      error: { code: 'already_exists', message: 'the name "new-name" is taken' },
    })
  })

  it('has a history of who made it what, and can be made that again', async () => {
    await policy('storied', 'v1.>', { limits: { lifetime: '1h' } })
    const which = { policy: 'storied' }
    const { token } = await door.newcomer('ORDERS', 'reader-of-stories', { policies: ['storied'] })
    await door.done('policy.update-permissions', { ...which, publish: { allow: ['v2.>'] } })
    await door.done('policy.update-limits', { ...which, limits: { lifetime: '2h' } })
    const { events, revision } = await door.done('policy.rollback', { ...which, version: 1 })
    expect(events).toMatchObject([
      {
        subject: 'auth.event.operator.policy.rolled_back',
        data: {
          to: 1,
          version: 4,
          old: { permissions: { publish: { allow: ['v2.>'] } }, limits: { lifetimeSeconds: 7_200 } },
          new: { permissions: { publish: { allow: ['v1.>'] } }, limits: { lifetimeSeconds: 3_600 } },
        },
        metadata: { actor: { user: 'admin' } },
      },
    ])
    expect(revision).toBeGreaterThan(0)
    expect(await mayPublish(token)).toContain('v1.>')
    const { items } = await door.done('policy.history', which)
    expect(items).toMatchObject([
      { version: 1, permissions: { publish: { allow: ['v1.>'] } }, by: { user: 'admin' } },
      { version: 2, permissions: { publish: { allow: ['v2.>'] } }, limits: { lifetimeSeconds: 3_600 } },
      { version: 3, limits: { lifetimeSeconds: 7_200 } },
      { version: 4, permissions: { publish: { allow: ['v1.>'] } }, limits: { lifetimeSeconds: 3_600 } },
    ])
    const first = await door.done('policy.history', { ...which, limit: 3 })
    const rest = await door.done('policy.history', { ...which, after: first['next'] })
    expect(rest['items']).toMatchObject([{ version: 4 }])
    expect((await door.done('policy.rollback', { ...which, version: 4 }))['events']).toEqual([])
    expect(await door.command('policy.rollback', { ...which, version: 9 })).toMatchObject({ status: 404 })
  })

  it('forgets its history with itself, and versions that are long gone', async () => {
    await policy('busy', 'n0')
    const which = { policy: 'busy' }
    for (let n = 1; n <= POLICY_VERSIONS_MAX; n += 1)
      await door.done('policy.update-permissions', { ...which, publish: { allow: [`n${n}`] } })
    const { items } = await door.done('policy.history', { ...which, limit: 500 })
    const versions = (items as { version: number }[]).map(({ version }) => version)
    expect(versions).toEqual(Array.from({ length: POLICY_VERSIONS_MAX }, (_, i) => i + 2))
    const { policy: id } = await door.done('policy.delete', which)
    const { entries } = await world.gatehouse.admin.store.page(policyVersionsFilter(String(id)), {
      after: 0,
      limit: 5,
    })
    expect(entries).toEqual([])
  })

  it('is not deleted while a user, a role or an account has it', async () => {
    await policy('wanted', 'wanted.>')
    const whose = { account: 'ORDERS', user: 'holder' }
    await door.done('user.create', { account: 'ORDERS', name: 'holder', policies: ['wanted'] })
    await door.done('role.create', { name: 'holding', policies: ['wanted'] })
    await door.done('account.create', { name: 'HOLDING', defaultPolicy: 'wanted' })
    const remove = () => door.command('policy.delete', { policy: 'wanted' })

    expect(await remove()).toMatchObject(inUse)
    await door.done('user.remove-policy', { ...whose, policy: 'wanted' })
    expect(await remove()).toMatchObject(inUse)
    await door.done('role.update', { role: 'holding', policies: [] })
    expect(await remove()).toMatchObject(inUse)
    await door.done('account.set-default-policy', { account: 'HOLDING', policy: 'base' })
    expect(await remove()).toMatchObject({ status: 200 })
    expect(await remove()).toMatchObject({ status: 404 })
    expect(await door.command('user.assign-policy', { ...whose, policy: 'wanted' })).toMatchObject({
      status: 404,
    })
  })

  it('is free to go with the user who had it', async () => {
    await policy('inherited', 'x')
    await door.done('user.create', { account: 'ORDERS', name: 'heir', policies: ['inherited'] })
    expect(await door.command('policy.delete', { policy: 'inherited' })).toMatchObject(inUse)
    await door.done('user.delete', { account: 'ORDERS', user: 'heir' })
    await door.done('policy.delete', { policy: 'inherited' })
  })

  it('is shown with its version, and says whether it may be handed on', async () => {
    await policy('shown', 'x.>', { description: 'For show.' })
    await door.done('policy.set-delegable', { policy: 'shown', delegable: true })
    const shown = await door.done('policy.get', { policy: 'shown' })
    expect(shown).toMatchObject({
      policy: { name: 'shown', version: 2, delegable: true, scope: 'operator', description: 'For show.' },
    })
    const { revision } = await world.gatehouse.admin.store.get(
      `policy.${(shown['policy'] as { id: string }).id}`,
    )
    expect(shown['revision']).toBe(revision)
  })

  it('says what it is for, and can be told to say something else, or nothing', async () => {
    await policy('worded', 'x')
    const described = async (): Promise<unknown> =>
      (await door.done('policy.get', { policy: 'worded' }))['policy']
    await door.done('policy.set-description', { policy: 'worded', description: 'Other words.' })
    expect(await described()).toMatchObject({ description: 'Other words.', version: 2 })
    await door.done('policy.set-description', { policy: 'worded' })
    expect(await described()).not.toHaveProperty('description')
  })

  it.each([
    ['policy.get', {}],
    ['policy.set-description', { description: 'Mine.' }],
    ['policy.rename', { name: 'mine' }],
    ['policy.set-delegable', { delegable: true }],
    ['policy.delete', {}],
  ])("of an account is meant by %s, and never everybody's of that name", async (name, payload) => {
    const before = await door.done('policy.get', { policy: 'readonly' })
    expect(await door.command(name, { policy: 'readonly', account: 'ORDERS', ...payload })).toMatchObject({
      status: 404,
    })
    expect(await door.done('policy.get', { policy: 'readonly' })).toEqual(before)
  })
})

describe('a role', () => {
  it('gives its policies, follows its changes, and takes them with it', async () => {
    await policy('orders-write', 'write.>')
    await policy('orders-audit', 'audit.>')
    await door.done('role.create', { name: 'seller', policies: ['orders-write', 'orders-write'] })
    const { token } = await door.newcomer('ORDERS', 'sally', { roles: ['seller'] })
    const sally = { account: 'ORDERS', user: 'sally', role: 'seller' }
    expect(await mayPublish(token)).toEqual(['auth.v1.whoami', 'write.>'])

    await door.done('role.update', { role: 'seller', policies: ['orders-write', 'orders-audit'] })
    expect(await mayPublish(token)).toEqual(['audit.>', 'auth.v1.whoami', 'write.>'])
    expect(await door.command('role.delete', { role: 'seller' })).toMatchObject({
      status: 409,
      error: { code: 'in_use', message: 'the role is in use by a user: take it away first' },
    })
    await door.done('user.remove-role', sally)
    await expect.poll(() => mayPublish(token)).toEqual(['auth.v1.whoami'])
    await door.done('user.assign-role', sally)
    await expect.poll(() => mayPublish(token)).toEqual(['audit.>', 'auth.v1.whoami', 'write.>'])
    expect(await door.done('user.assign-role', sally)).toMatchObject({ events: [] })
    await door.done('user.remove-role', sally)
    await door.done('role.delete', { role: 'seller' })
    expect(await door.command('user.assign-role', sally)).toMatchObject({ status: 404 })
    await door.done('policy.delete', { policy: 'orders-audit' })
  })

  it('of an account is nobody else’s, and comes before everybody’s of that name', async () => {
    await policy('everywhere', 'everywhere')
    await policy('here', 'here', { account: 'ORDERS' })
    await door.done('role.create', { name: 'local', policies: ['everywhere'] })
    const { token } = await door.newcomer('ORDERS', 'lena', { roles: ['local'] })
    await door.done('role.create', { name: 'local', account: 'ORDERS', policies: ['here', 'everywhere'] })
    await door.done('role.create', { name: 'only-here', account: 'ORDERS', policies: ['here'] })
    const whose = { account: 'ORDERS', user: 'lena', role: 'local' }
    expect(await mayPublish(token)).toEqual(['auth.v1.whoami', 'everywhere'])
    await door.done('user.assign-role', whose)
    await expect.poll(() => mayPublish(token)).toEqual(['auth.v1.whoami', 'everywhere', 'here'])
    for (let n = 0; n < 2; n += 1) await door.done('user.remove-role', whose)
    await expect.poll(() => mayPublish(token)).toEqual(['auth.v1.whoami'])

    const elsewhere = { account: 'ANALYTICS', name: 'x', roles: ['only-here'] }
    expect(await door.command('user.create', elsewhere)).toMatchObject({ status: 404 })
    const own = { name: 'theirs', account: 'ANALYTICS', policies: ['here'] }
    expect(await door.command('role.create', own)).toMatchObject({ status: 404 })
    expect(await door.command('role.create', { name: 'wide', policies: ['here'] })).toMatchObject({
      status: 404,
    })
    const foreign = { role: 'local', account: 'ANALYTICS' }
    expect(await door.command('role.update', { ...foreign, policies: [] })).toMatchObject({ status: 404 })
    expect(await door.command('role.delete', foreign)).toMatchObject({ status: 404 })
  })

  it('says what it is for, and can be told to say something else', async () => {
    await door.done('role.create', { name: 'worded', policies: [], description: 'Some words.' })
    await door.done('role.set-description', { role: 'worded', description: 'Other words.' })
    const { items } = await door.done('role.list')
    expect(items).toContainEqual(expect.objectContaining({ name: 'worded', description: 'Other words.' }))
    const foreign = { role: 'worded', account: 'ORDERS', description: 'Mine.' }
    expect(await door.command('role.set-description', foreign)).toMatchObject({ status: 404 })
  })

  it('has a name that no other has, and is of policies that are there', async () => {
    await door.done('role.create', { name: 'single', policies: [] })
    expect(await door.command('role.create', { name: 'single', policies: [] })).toMatchObject({
      status: 409,
      error: { code: 'already_exists', message: 'the name "single" is taken' },
    })
    expect(await door.command('role.create', { name: 'empty', policies: ['nothing'] })).toMatchObject({
      status: 404,
    })
    expect(await door.done('role.list')).toMatchObject({
      items: expect.arrayContaining([
        expect.objectContaining({ name: 'single', scope: 'operator', policies: [] }),
      ]) as unknown,
    })
  })
})
