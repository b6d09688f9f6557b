import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { auditOf, insideAuth, type Heard } from './bus.ts'
import { openDoor, type Door } from './door.ts'

describe.each([
  ['the newest server', newestServer],
  ['the oldest server', oldestServer],
])('an account of %s that is deleted', (_, binary) => {
  let world: World
  let door: Door
  let audit: readonly Heard[]
  beforeAll(async () => {
    world = await openWorld({ binary: await binary() })
    door = await openDoor(world)
    audit = await auditOf(world)
    await door.done('policy.create', { name: 'all', publish: { allow: ['>'] }, subscribe: { allow: ['>'] } })
  })
  afterAll(() => world[Symbol.asyncDispose]())

  /** Keys that have a value and are no event, sorted, once nothing is left of what was deleted. */
  function cleared(): Promise<readonly string[]> {
    return eventually(async () => {
      await world.gatehouse.cleared()
      const { entries } = await world.gatehouse.admin.store.page('>', { after: 0, limit: 10_000 })
      const keys = entries.map(({ key }) => key).filter((key) => !key.startsWith('event.'))
      return !keys.some((key) => key.startsWith('deleted.')) && keys.sort()
    })
  }
  const deletion = (account: string, facts: object = {}) =>
    door.command('account.delete', { account, ...facts })
  const code = async (reply: ReturnType<typeof deletion>) => {
    const { status, error } = await reply
    return [status, error.code, error.message]
  }

  it('must be empty, or the deletion forced', async () => {
    const account = String(
      (await door.done('account.create', { name: 'FULL', limits: { jetstream: {} } }))['account'],
    )
    const { token } = await door.newcomer('FULL', 'one', { policies: ['all'] })
    await door.done('policy.create', { account: 'FULL', name: 'own' })
    await door.done('role.create', { account: 'FULL', name: 'own', policies: [] })
    await door.done('account.update-exports', {
      account: 'FULL',
      exports: [{ subject: 'a', type: 'stream', access: 'public' }],
    })
    await door.done('account.update-imports', {
      account: 'ANALYTICS',
      imports: [{ account: 'FULL', subject: 'a', type: 'stream' }],
    })
    const of = (what: string) => `account "FULL" has ${what}: delete them first, or say force: true`
    const all = 'users, policies, roles, accounts that import from it'
    expect(await code(deletion('FULL'))).toEqual([409, 'in_use', of(all)])

    await door.becomes(token, 'in')
    const inside = await door.enter(token)
    await (await jetstreamManager(inside)).streams.add({ name: 'S', subjects: ['s.>'] })
    await inside.close()
    await door.done('account.update-imports', { account: 'ANALYTICS', imports: [] })
    await door.done('user.delete', { account: 'FULL', user: 'one' })
    await door.done('policy.delete', { account: 'FULL', policy: 'own' })
    await door.done('role.delete', { account: 'FULL', role: 'own' })
    expect(await code(deletion(account))).toEqual([409, 'in_use', of('streams')])
    await door.done('account.delete', { account, force: true })
  })

  it('is gone with everything it had, and everybody in it', async () => {
    const before = await cleared()
    const limits = { users: 20, jetstream: {} }
    const account = String((await door.done('account.create', { name: 'GONE', limits }))['account'])
    const people = await Promise.all(
      Array.from({ length: 12 }, (_, i) => door.newcomer('GONE', `p${i}`, { policies: ['all'] })),
    )
    const [first] = people as [(typeof people)[number]]
    await door.done('policy.create', { account: 'GONE', name: 'own', publish: { allow: ['x'] } })
    await door.done('role.create', { account: 'GONE', name: 'crew', policies: ['own'] })
    await door.done('user.assign-role', { account: 'GONE', user: 'p1', role: 'crew' })
    await door.done('account.set-default-policy', { account: 'GONE', policy: 'own' })
    const given = { subject: 'a.>', type: 'stream' }
    await door.done('account.update-exports', { account: 'GONE', exports: [{ ...given, access: 'public' }] })
    await door.done('account.update-imports', {
      account: 'ANALYTICS',
      imports: [{ account: 'GONE', ...given }],
    })
    await door.becomes(first.token, 'in')
    const inside = await door.enter(first.token)
    await (await jetstreamManager(inside)).streams.add({ name: 'S', subjects: ['s.>'] })
    const files = join(world.dir.file('jetstream'), 'jetstream', account)
    expect(existsSync(files)).toBe(true)
    const ended = inside.closed()
    const elsewhere = await world.connectAs('alice@example.com')

    const reply = await door.done('account.delete', { account: 'GONE', force: true, reason: 'left' })
    await ended
    await door.becomes(first.token, 'unknown_credential')
    const after = await cleared()
    expect(after).toEqual(before)
    expect(existsSync(files)).toBe(false)
    const nc = await insideAuth(world)
    expect((await nc.request(`$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`)).data).toHaveLength(0)
    expect(await door.done('account.get', { account: 'ANALYTICS' })).toMatchObject({
      account: { imports: [] },
    })
    expect(elsewhere.isClosed()).toBe(false)
    expect(reply['events']).toMatchObject([
      { subject: `auth.event.${account}.account.deleted`, data: { name: 'GONE', reason: 'left' } },
    ])
    const kinds = (kind: string) =>
      audit.filter(({ subject }) => subject === `auth.event.${account}.${kind}`).length
    await eventually(
      () => kinds('user.deleted') === 12 && kinds('policy.deleted') === 1 && kinds('role.deleted') === 1,
    )
    expect(await code(deletion('GONE'))).toMatchObject([404, 'not_found', expect.anything()])
    expect(world.heard.failures).toEqual([])
  })

  it('gives its name to another at once, whose users are nobody else', async () => {
    await door.done('account.create', { name: 'NAME' })
    const old = await door.newcomer('NAME', 'same')
    await door.becomes(old.token, 'in')
    await door.done('account.delete', { account: 'NAME', force: true })
    await door.done('account.create', { name: 'NAME' })
    const anew = await door.newcomer('NAME', 'same')
    await door.becomes(anew.token, 'in')
    await door.becomes(old.token, 'unknown_credential')
  })

  it.each(['ADMIN', 'SYS', 'AUTH'])('is none of those that carry the system: %s', async (account) => {
    expect(await code(deletion(account, { force: true }))).toMatchObject([
      403,
      'forbidden',
      expect.anything(),
    ])
  })
})
