import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { insideAuth } from './bus.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { openDoor, type Door } from './door.ts'

let world: World
let door: Door
beforeAll(async () => {
  world = await openWorld()
  door = await openDoor(world)
})
afterAll(() => world[Symbol.asyncDispose]())

const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString()
const accountOf = async (account: string) =>
  (await door.done('account.get', { account }))['account'] as Record<string, unknown>

describe('an account', () => {
  it('that is suspended loses everybody who is inside, and lets nobody in until it is reactivated', async () => {
    await door.done('account.create', { name: 'UNPAID' })
    const one = await door.newcomer('UNPAID', 'one')
    const two = await door.newcomer('UNPAID', 'two')
    const elsewhere = await world.connectAs('alice@example.com')
    await door.becomes(one.token, 'in')
    const inside = await Promise.all([one, two].map(({ token }) => door.enter(token)))

    await door.done('account.suspend', { account: 'UNPAID', reason: 'unpaid' })
    await Promise.all(inside.map((nc) => nc.closed()))
    await door.becomes(one.token, 'account_suspended')
    expect(await accountOf('UNPAID')).toMatchObject({ status: 'suspended', suspension: { reason: 'unpaid' } })
    expect(elsewhere.isClosed()).toBe(false)

    await door.done('account.reactivate', { account: 'UNPAID' })
    await door.becomes(two.token, 'in')
    expect(await accountOf('UNPAID')).toMatchObject({ status: 'active' })
  })

  it('is over at its end, for those inside as well, and comes back when that is put off', async () => {
    await door.done('account.create', { name: 'TRIAL' })
    const { token } = await door.newcomer('TRIAL', 'guest')
    await door.becomes(token, 'in')
    const before = await door.enter(token)
    await door.done('account.set-expiry', { account: 'TRIAL', expiresAt: inMs(2_500) })
    await door.becomes(token, 'in')
    await before.closed()
    await door.becomes(token, 'account_expired')
    expect(await accountOf('TRIAL')).toMatchObject({ status: 'expired' })

    await door.done('account.set-expiry', { account: 'TRIAL', expiresAt: inMs(3_600_000) })
    await door.becomes(token, 'in')
    expect(await accountOf('TRIAL')).toMatchObject({ status: 'active' })
    expect(world.heard.failures).toEqual([])
  })

  it.each([
    ['long ago', 'PAST', () => '2020-01-01T00:00:00Z'],
    ['in a second that means never', 'EPOCH', () => '1970-01-01T00:00:00Z'],
    ['now', 'NOW', () => inMs(0)],
    ['in less than a second', 'SOON', () => inMs(700)],
  ])('that was over %s loses everybody who is inside, and is told to servers once', async (_, name, end) => {
    const id = String((await door.done('account.create', { name }))['account'])
    const { token } = await door.newcomer(name, 'guest')
    await door.becomes(token, 'in')
    const inside = await door.enter(token)
    const expiresAt = end()
    await door.done('account.set-expiry', { account: name, expiresAt })
    await inside.closed()
    await door.becomes(token, 'account_expired')
    expect(await accountOf(name)).toMatchObject({ status: 'expired', expiresAt })

    const nc = await insideAuth(world)
    const held = async () => (await nc.request(`$SYS.REQ.ACCOUNT.${id}.CLAIMS.LOOKUP`)).string()
    const before = await held()
    for (let round = 0; round < 3; round += 1) await world.gatehouse.accountsPushed()
    expect(await held()).toBe(before)
    expect(world.heard.failures).toEqual([])
  })

  it('that is over and suspended in one breath loses everybody at once', async () => {
    await door.done('account.create', { name: 'BOTH' })
    const { token } = await door.newcomer('BOTH', 'guest')
    await door.becomes(token, 'in')
    const inside = await door.enter(token)
    await door.done('account.set-expiry', { account: 'BOTH', expiresAt: '2020-01-01T00:00:00Z' })
    await door.done('account.suspend', { account: 'BOTH', reason: 'unpaid' })
    await inside.closed()
    await door.becomes(token, 'account_suspended')
  })

  it('caps everybody by its boundary, whatever policies say', async () => {
    await door.done('account.create', { name: 'BOUNDED' })
    await door.done('policy.create', { name: 'all', publish: { allow: ['>'] }, subscribe: { allow: ['>'] } })
    await door.done('policy.create', {
      name: 'shop-only',
      publish: { allow: ['shop.>', 'auth.v1.whoami'], deny: ['shop.admin.>'] },
      subscribe: { allow: ['_INBOX.>'] },
    })
    const { token } = await door.newcomer('BOUNDED', 'clerk', { policies: ['all'] })
    await door.becomes(token, 'in')
    await door.done('account.set-boundary-policy', { account: 'BOUNDED', policy: 'shop-only' })
    await world.gatehouse.directory.upToDate()

    const nc = await door.enter(token)
    const errors: string[] = []
    void (async () => {
      for await (const { error } of nc.status() as AsyncIterable<{ error?: Error }>)
        if (error) errors.push(error.message)
    })()
    for (const subject of ['shop.a', 'shop.admin.x', 'billing.a']) nc.publish(subject)
    await nc.flush()
    await eventually(() => errors.length === 2)
    expect(errors.sort()).toMatchObject([
      expect.stringContaining('"billing.a"') as string,
      expect.stringContaining('"shop.admin.x"') as string,
    ])
    const { grant } = (await nc.request('auth.v1.whoami')).json<{ grant: object }>()
    expect(grant).toMatchObject({
      publish: { allow: ['auth.v1.whoami', 'shop.>'], deny: ['shop.admin.>'] },
      subscribe: { allow: ['_INBOX.>'], deny: [] },
    })
    expect(await accountOf('BOUNDED')).toMatchObject({ boundaryPolicy: 'shop-only', defaultPolicy: 'base' })
    expect(await door.command('policy.delete', { policy: 'shop-only' })).toMatchObject({
      status: 409,
      error: { code: 'in_use', message: expect.stringContaining('an account') as string },
    })

    await door.done('account.set-boundary-policy', { account: 'BOUNDED' })
    await world.gatehouse.directory.upToDate()
    const free = await door.enter(token)
    expect((await free.request('auth.v1.whoami')).json()).toMatchObject({
      grant: { publish: { allow: ['>'] } },
    })
    await door.done('policy.delete', { policy: 'shop-only' })
  })

  it.each([
    ['account.suspend', { reason: 'x' }],
    ['account.set-expiry', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['account.set-boundary-policy', { policy: 'readonly' }],
  ])('that carries the system is not barred by %s', async (name, payload) => {
    for (const account of ['SYS', 'AUTH', 'ADMIN']) {
      expect(await door.command(name, { account, ...payload })).toMatchObject({
        status: 403,
        error: { code: 'forbidden', message: expect.stringContaining(account) as string },
      })
    }
  })

  it('is shown without any seed, and found by its key as well', async () => {
    const reply = await door.done('account.get', { account: 'ORDERS' })
    const { id, signingKeys } = reply['account'] as { id: string; signingKeys: { publicKey: string }[] }
    expect(reply['account']).toMatchObject({ name: 'ORDERS', role: 'tenant', status: 'active' })
    expect(signingKeys[0]?.publicKey).toMatch(/^A/)
    expect(await door.done('account.get', { account: id })).toEqual(reply)
    const stored = await world.gatehouse.admin.store.get(`account.${id}`)
    expect(reply['revision']).toBe(stored.revision)
    expect(JSON.stringify(reply)).not.toMatch(/"S[OAU][A-Z2-7]{56}"|ciphertext/)
    expect(await door.command('account.get', { account: 'NOWHERE' })).toMatchObject({ status: 404 })
  })
})
