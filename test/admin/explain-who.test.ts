import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { execute } from '../../src/admin/execute.ts'
import { whoCanCommands } from '../../src/admin/explain-who-can.ts'
import { eventually } from '../support/eventually.ts'
import { ask, type Reply } from './bus.ts'
import { entryOf, openExplained, type Explained } from './explaining.ts'

let explained: Explained
let command: Explained['command']
beforeAll(async () => {
  explained = await openExplained()
  command = explained.command
})
afterAll(() => explained.world[Symbol.asyncDispose]())

interface Permitted {
  readonly policy: string
  readonly account: string
  readonly user: string
}

/** Every page. */
async function whoCan(payload: Readonly<Record<string, unknown>>): Promise<readonly Permitted[]> {
  const items: Permitted[] = []
  for (let after: unknown = 0; after !== undefined;) {
    const body = await command('explain.who-can', { ...payload, after })
    items.push(...(body['items'] as readonly Permitted[]))
    after = body['next']
  }
  return items
}

describe('explain.who-can', () => {
  it('lists who can, by the policy that lets them', async () => {
    const items = await whoCan({ action: 'publish', subject: 'orders.new' })
    expect(items.map(({ policy, account, user }) => `${policy} ${account}/${user}`)).toEqual([
      'developer CAPPED/dora',
      'developer ORDERS/alice@example.com',
      'developer ORDERS/dora',
    ])
    expect(await whoCan({ action: 'publish', subject: 'orders.delete' })).toEqual([])
    expect(await whoCan({ action: 'publish', subject: 'region.eu.x' })).toMatchObject([
      { policy: 'regional', via: ['role crew'], entry: 'region.eu.>', account: 'ORDERS', user: 'dora' },
    ])
  })

  it('gives the same answer as can, for everybody and any page size', async () => {
    const users = ['ADMIN/admin', 'ANALYTICS/service-a', 'CAPPED/dora', 'ORDERS/alice@example.com']
    users.push('ORDERS/bob@example.com', 'ORDERS/dora', 'ORDERS/nowhere')
    for (const question of [
      { action: 'publish', subject: 'orders.new' },
      { action: 'publish', subject: 'auth.v1.whoami' },
      { action: 'subscribe', subject: '_INBOX.x' },
      { action: 'subscribe', subject: 'events.x', queue: 'workers' },
      { action: 'subscribe', subject: 'orders.*' },
    ]) {
      const able: string[] = []
      for (const user of users) {
        const { allowed } = await command('explain.can', { ...question, user })
        if (allowed === true) able.push(user)
      }
      for (const limit of [1, 500]) {
        const items = await whoCan({ ...question, limit })
        expect(items.map(({ account, user }) => `${account}/${user}`).sort()).toEqual(able)
      }
    }
  })

  it('lets others have their turn between users', async () => {
    let [tick, breaths] = [Date.now(), 0]
    const { admin } = explained.world.gatehouse
    const slow = {
      ...admin,
      now: () => new Date((tick += 10)),
      breathe: () => Promise.resolve(void (breaths += 1)),
    }
    const actor = { account: explained.world.trust.chain.admin, user: 'test' }
    const payload = { action: 'publish', subject: 'orders.new' }
    const { items } = await execute(slow, whoCanCommands.whoCan, { actor, payload })
    expect((items as readonly unknown[]).length).toBeGreaterThan(1)
    expect(breaths).toBeGreaterThan((items as readonly unknown[]).length)
  })

  it('counts who could, and is locked', async () => {
    await command('user.lock', { account: 'ORDERS', user: 'alice@example.com', reason: 'away' })
    const question = { action: 'publish', subject: 'orders.new', account: 'ORDERS' }
    expect(await command('explain.who-can', question)).toMatchObject({ barred: 1, items: [{ user: 'dora' }] })
    await command('user.unlock', { account: 'ORDERS', user: 'alice@example.com' })
  })
})

describe('explain.decision', () => {
  it('replays a decision with the policies and the metadata of that time', async () => {
    const { audit, world } = explained
    const { token } = await command('user.issue-token', { account: 'ORDERS', user: 'dora' })
    await world.connect({ token: String(token), name: 'dora-app' })
    const { event } = await eventually(() =>
      audit.findLast((heard) => String(heard.event.data['userAgent']).startsWith('dora-app')),
    )
    const decision = String(event.data['decisionId'])
    expect(event.data['metadata']).toEqual({ region: 'eu' }) // What no template asks for is not told.
    const then = await command('explain.user', { user: 'ORDERS/dora' })

    await command('policy.update-permissions', { policy: 'regional', publish: { allow: ['elsewhere'] } })
    const metadata = { region: 'us' }
    await command('user.update-metadata', { account: 'ORDERS', user: 'dora', metadata })
    const { decision: told } = await command('explain.decision', { decision })
    expect(told).toMatchObject({
      id: decision,
      outcome: 'admitted',
      account: { name: 'ORDERS' },
      user: { name: 'dora' },
      isExact: true,
      grant: then['grant'],
    })
    expect((told as Reply['body'])['policies']).toContainEqual({
      name: 'regional',
      version: 1,
      via: ['role'],
      id: expect.any(String) as string,
    })
    expect(entryOf(told, 'region.eu.>')?.sources).toMatchObject([{ policy: 'regional' }])
  })

  it('says in words why somebody was refused', async () => {
    await command('user.lock', { account: 'ORDERS', user: 'dora', reason: 'away' })
    const { token } = await command('user.issue-token', { account: 'ORDERS', user: 'dora' })
    await expect(explained.world.connect({ token: String(token) })).rejects.toThrow()
    const { event } = await eventually(() =>
      explained.audit.findLast(
        (heard) => heard.subject.endsWith('user.login_failed') && heard.event.data['name'] === 'dora',
      ),
    )
    const decision = event.data['decisionId']
    expect((await command('explain.decision', { decision }))['decision']).toMatchObject({
      outcome: 'denied',
      refusal: { reason: 'user_locked', words: expect.stringContaining('user.unlock') as string },
      user: { name: 'dora' },
    })
  })

  it('tells the policies that a refusal rests on, as they were', async () => {
    await command('policy.create', { name: 'far', limits: { sources: ['10.0.0.0/8'] } })
    await command('user.create', { account: 'ORDERS', name: 'near', policies: ['far'] })
    const { token } = await command('user.issue-token', { account: 'ORDERS', user: 'near' })
    await expect(explained.world.connect({ token: String(token) })).rejects.toThrow()
    await command('policy.update-limits', { policy: 'far', limits: {} })
    const { event } = await eventually(() =>
      explained.audit.findLast((heard) => heard.event.data['reason'] === 'source_not_allowed'),
    )
    const decision = event.data['decisionId']
    const { decision: told } = await command('explain.decision', { decision })
    expect(told).toMatchObject({ outcome: 'denied', refusal: { detail: 'far' }, user: { name: 'near' } })
    expect((told as Reply['body'])['policies']).toContainEqual(
      expect.objectContaining({ name: 'far', version: 1, via: ['user'] }),
    )
  })

  it('is not found where the stream has no such event', async () => {
    const payload = { decision: `U${'A'.repeat(55)}` }
    const { status, error } = await ask(explained.admin, { command: 'explain.decision', payload })
    expect([status, error.code]).toEqual([404, 'not_found'])
  })
})

describe('the admins of an account', () => {
  it('are told of their own account, and of no other', async () => {
    const { world, audit } = explained
    await command('user.create', { account: 'ORDERS', name: 'boss', policies: ['account-admin'] })
    const { token } = await command('user.issue-token', { account: 'ORDERS', user: 'boss' })
    const boss = await world.connect({ token: String(token) })
    const asked = (name: string, payload: unknown): Promise<Reply> => ask(boss, { command: name, payload })

    const { body } = await asked('explain.user', { user: 'alice@example.com' })
    expect(body).toMatchObject({ account: { name: 'ORDERS' } })
    for (const user of ['service-a', 'ANALYTICS/service-a', 'CAPPED/dora', 'NONE/dora'])
      expect((await asked('explain.user', { user })).status).toBe(404)
    const everybody = { action: 'publish', subject: 'auth.v1.whoami' }
    const { items } = (await asked('explain.who-can', everybody)).body
    expect(new Set((items as readonly Permitted[]).map(({ account }) => account))).toEqual(
      new Set(['ORDERS']),
    )
    expect((await asked('explain.who-can', { ...everybody, account: 'CAPPED' })).status).toBe(403)
    const { body: foreign } = await asked('explain.token', { secret: world.tokens['service-a'] })
    expect(foreign).toMatchObject({ refusal: { reason: 'unknown_credential' } })
    const { body: policy } = await asked('explain.policy', { policy: 'developer' })
    expect(policy['names']).not.toContain('CAPPED/dora')
    const elsewhere = await eventually(() =>
      audit.find(({ subject, event }) => subject.endsWith('logged_in') && event.data['name'] === 'admin'),
    )
    const decision = elsewhere.event.data['decisionId']
    expect((await asked('explain.decision', { decision })).status).toBe(404)
  })
})
