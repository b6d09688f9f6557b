import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createUser } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { guesses, HERE, RIGHT, THERE, tries, withPassword } from '../support/guessing.ts'
import { openWorld, type World } from '../support/world.ts'
import { ask, auditOf } from './bus.ts'

interface Item {
  readonly sequence?: number
  readonly account: { readonly name: string }
  readonly user: { readonly name: string }
  readonly source?: string
  readonly reason?: string
}

let world: World
let admin: NatsConnection
/** Admins of one account each. */
let ofOrders: NatsConnection
let ofAnalytics: NatsConnection

beforeAll(async () => {
  world = await openWorld({ throttle: { failures: 2, userFailures: 6 } })
  admin = await world.connectAs('admin')
  const adminOf = async (account: string): Promise<NatsConnection> => {
    const token = await createUser(admin, account, {
      name: `admin-of-${account}`,
      policies: ['account-admin'],
    })
    return world.connect({ authenticator: tokenAuthenticator(token) })
  }
  ofOrders = await adminOf('ORDERS')
  ofAnalytics = await adminOf('ANALYTICS')
})
afterAll(() => world[Symbol.asyncDispose]())

async function items(command: string, payload: object, nc = admin): Promise<readonly Item[]> {
  const { status, body, error } = await ask(nc, { command, payload })
  if (status !== 200) throw new Error(`${error.code}: ${error.message}`)
  return body['items'] as readonly Item[]
}

describe('lockout.list', () => {
  it('tells admins of the account, and of the system, who is locked out where and until when', async () => {
    await withPassword(admin, 'lena')
    await guesses(world, 'lena', 2)
    await guesses(world, 'lena', 2, THERE)
    const [first, second] = await eventually(async () => {
      const found = await items('lockout.list', { user: 'lena' })
      return found.length === 2 && found
    })
    expect(first).toMatchObject({
      account: { name: 'ORDERS' },
      user: { name: 'lena' },
      source: HERE,
      failures: 2,
    })
    expect(second).toMatchObject({ source: THERE })
    expect(await items('lockout.list', { account: 'ORDERS' }, ofOrders)).toHaveLength(2)
    expect(await items('lockout.list', {}, ofOrders)).toHaveLength(2)
    expect(await items('lockout.list', {}, ofAnalytics)).toEqual([])

    const { body } = await ask(admin, { command: 'lockout.list', payload: { limit: 1 } })
    expect(body['items']).toMatchObject([{ source: HERE }])
    const rest = await ask(admin, { command: 'lockout.list', payload: { limit: 1, after: body['next'] } })
    expect(rest.body['items']).toMatchObject([{ source: THERE }])
  })

  it('says nothing of other accounts', async () => {
    const asked = { command: 'lockout.list', payload: { account: 'ORDERS' } }
    expect((await ask(ofAnalytics, asked)).error.code).toBe('forbidden')
    const told = async (user: string) =>
      (await ask(ofAnalytics, { command: 'lockout.list', payload: { user } })).error.message
    expect((await told('lena')).replace('lena', 'X')).toBe((await told('nobody')).replace('nobody', 'X'))
  })
})

describe('lockout.clear', () => {
  it('lets the user try again there, or everywhere, and what was counted is gone', async () => {
    await withPassword(admin, 'mona')
    for (const from of [HERE, THERE]) await guesses(world, 'mona', 2, from)
    await eventually(async () => (await items('lockout.list', { user: 'mona' })).length === 2)

    const clear = (payload: object, nc = ofOrders) =>
      ask(nc, { command: 'lockout.clear', payload: { account: 'ORDERS', user: 'mona', ...payload } })
    expect((await clear({ source: THERE })).body['cleared']).toBe(1)
    expect(await tries(world, 'mona', RIGHT)).toBe(false)
    expect(await tries(world, 'mona', RIGHT, THERE)).toBe(true)
    await guesses(world, 'mona', 1, '127.0.0.3')
    expect((await clear({})).body['cleared']).toBe(1)
    await guesses(world, 'mona', 1, '127.0.0.3') // The first, again.
    for (const from of [HERE, '127.0.0.3']) expect(await tries(world, 'mona', RIGHT, from)).toBe(true)
    expect(await items('lockout.list', { user: 'mona' })).toEqual([])

    expect((await clear({}, ofAnalytics)).error.code).toBe('forbidden')
    const audit = await auditOf(world)
    const told = () =>
      audit
        .filter(({ subject }) => subject.endsWith('user.lockouts_cleared'))
        .map(({ event }) => event.data['source'])
    await eventually(() => told().length === 2)
    expect(told()).toEqual([THERE, undefined])
  })

  it('ends a lockout from everywhere', async () => {
    await withPassword(admin, 'nora')
    for (let n = 1; n <= 6; n += 1) await guesses(world, 'nora', 1, `127.0.3.${n}`)
    expect(await tries(world, 'nora', RIGHT)).toBe(false)
    const [lockout, ...more] = await eventually(async () => {
      const found = await items('lockout.list', { user: 'nora' })
      return found.length > 0 && found
    })
    expect([lockout?.source, more]).toEqual([undefined, []])
    await ask(admin, { command: 'lockout.clear', payload: { account: 'ORDERS', user: 'nora' } })
    expect(await tries(world, 'nora', RIGHT)).toBe(true)
  })

  it.each(['10.0.0.0/8', 'home', '10.0.0.1/64', 'fe80::1%eth0', ''])(
    'refuses "%s" as a source',
    async (source) => {
      const payload = { account: 'ORDERS', user: 'mona', source }
      const { error } = await ask(admin, { command: 'lockout.clear', payload })
      expect(error).toMatchObject({ code: 'invalid_request', faults: [{ where: 'source' }] })
    },
  )
})

describe('session.denials', () => {
  it('tells the account why its users were refused, and nobody else', async () => {
    await withPassword(admin, 'olga')
    await guesses(world, 'olga', 3)
    await guesses(world, 'olga', 1, THERE)
    await guesses(world, 'nobody-at-all', 1)
    const asked = { account: 'ORDERS', user: 'olga' }
    const denials = await eventually(async () => {
      const found = await items('session.denials', asked, ofOrders)
      return found.length === 4 && found
    })
    const wrong = { source: HERE, reason: 'wrong_password', words: 'the user has no such password', count: 1 }
    const locked = { source: HERE, reason: 'locked_out' }
    expect(denials).toMatchObject([wrong, wrong, locked, { source: THERE, reason: 'wrong_password' }])
    expect(denials[2]).toHaveProperty('detail', expect.stringMatching(/^until /))
    expect(denials[2]).toHaveProperty('decision', expect.stringMatching(/^U/))

    const reasons = async (filter: object) =>
      (await items('session.denials', { ...asked, ...filter })).map(({ reason }) => reason)
    expect(await reasons({ reason: 'locked_out' })).toEqual(['locked_out'])
    expect(await reasons({ source: THERE })).toEqual(['wrong_password'])
    expect(await reasons({ source: '127.0.0.0/8' })).toHaveLength(4)
    expect(await reasons({ since: '2100-01-01T00:00:00Z' })).toEqual([])
    const { body } = await ask(admin, { command: 'session.denials', payload: { ...asked, limit: 3 } })
    expect(body['items']).toHaveLength(3)
    expect(await reasons({ limit: 3, after: body['next'] })).toEqual(['wrong_password'])

    const ofNobody = { reason: 'unknown_credential' }
    await eventually(async () => (await items('session.denials', ofNobody)).length > 0)
    expect(await items('session.denials', ofNobody, ofOrders)).toEqual([])
    expect(await items('session.denials', { user: 'olga' }, ofAnalytics)).toEqual([])
    expect((await ask(ofAnalytics, { command: 'session.denials', payload: asked })).error.code).toBe(
      'forbidden',
    )
  })

  it.each([
    ['source', '10.0.0.1/8', 'must not have host bits set'],
    ['source', 'home', 'must be an address such as 10.1.2.3, or a network'],
    ['reason', 'bad_luck', 'must be a code of docs/decision.md'],
  ])('refuses %s "%s"', async (field, value, rule) => {
    const { error } = await ask(admin, { command: 'session.denials', payload: { [field]: value } })
    expect(error.faults).toEqual([{ where: field, rule }])
  })
})
