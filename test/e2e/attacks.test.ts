import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask as command } from '../admin/bus.ts'
import { createUser } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { api, ask, isRefused, owner, permitted } from '../support/permitted.ts'
import { openWorld, type World } from '../support/world.ts'

const EVERYTHING = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } }

let world: World
let admin: NatsConnection
let root: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  root = await owner(world)
  const jsm = await jetstreamManager(root)
  const storage = StorageType.Memory
  await jsm.streams.add({ name: 'S', subjects: ['s.>'], storage })
  await jsm.streams.add({ name: 'KV_b', subjects: ['$KV.b.>'], storage, max_msgs_per_subject: 1 })
  await jsm.streams.add({ name: 'OBJ_b', subjects: ['$O.b.>'], storage })
  await jsm.consumers.add('S', { durable_name: 'c', ack_policy: AckPolicy.Explicit })
  for (const subject of ['s.a', 's.b', '$KV.b.k']) await jetstream(root).publish(subject, subject)
})
afterAll(() => world[Symbol.asyncDispose]())

async function run(name: string, payload: object, nc = admin) {
  return command(nc, { command: name, payload })
}

describe('a deny in words', () => {
  it('of reading a stream refuses the acknowledgement that asks for the next message', async () => {
    const evil = await permitted(world, { ...EVERYTHING, deny: [{ stream: 'S', may: ['read'] }] })
    expect(await isRefused(evil, (nc) => ask(nc, '$JS.ACK.S.c.1.1.1.1.0', '+NXT'))).toBe(true)
  })

  it.each([
    [{ kv: 'b', may: ['read', 'watch'] }, '$KV.b.>'],
    [{ object: 'b', may: ['read', 'watch'] }, '$O.b.>'],
  ])('of reading a bucket, %j, keeps from hearing what is written to it', async (deny, subject) => {
    const evil = await permitted(world, { ...EVERYTHING, deny: [deny] })
    const heard: string[] = []
    evil.subscribe('>', { callback: (_error, message) => void heard.push(message.subject) })
    await evil.flush()
    await jetstream(root).publish(subject.replace('>', 'M.k'), '')
    root.publish('s.end')
    await eventually(() => heard.includes('s.end'))
    expect(heard).not.toContain(subject.replace('>', 'M.k'))
  })

  it('of writing keys refuses purging one', async () => {
    const evil = await permitted(world, { ...EVERYTHING, deny: [{ kv: 'b', may: ['write'] }] })
    const purge = (nc: NatsConnection) => api(nc, '$JS.API.STREAM.PURGE.KV_b', { filter: '$KV.b.k' })
    expect(await isRefused(evil, purge)).toBe(true)
  })
})

describe('the right to answer', () => {
  const subject = 'orders.get'
  const said = (...may: string[]) => ({ 'request-reply': subject, may })

  it('is not given with the right to ask oneself in one entry', async () => {
    const { error } = await run('policy.create', { name: 'both-sides', allow: [said('request', 'reply')] })
    expect(error).toMatchObject({ code: 'unenforceable' })
    expect(error.message).toContain('allow[0].may: must not have request beside serve or reply')
  })

  // nats-server does so: hence the refusal above, the rule self-answer of lint, and docs/policies.md.
  it('lets who has both from two entries publish what is denied to it', async () => {
    const evil = await permitted(world, {
      allow: [said('request'), said('reply')],
      deny: [{ stream: 'P', may: ['manage'] }],
    })
    const { streams } = await jetstreamManager(root)
    await streams.add({ name: 'P', subjects: ['p.>'], storage: StorageType.Memory })
    await jetstream(root).publish('p.a', '')
    evil.subscribe(subject, { callback: (_error, message) => void message.respond() })
    evil.publish(subject, '', { reply: '$JS.API.STREAM.PURGE.P' })
    await eventually(async () => (await streams.info('P')).state.messages === 0)
  })
})

describe('what is explained', () => {
  it('says to an admin of one account nothing of whether there is another', async () => {
    const name = 'curious'
    const token = await createUser(admin, 'ORDERS', { name, policies: ['account-admin'] })
    const nc = await world.connect({ authenticator: tokenAuthenticator(token) })
    const told = async (user: string) => (await run('explain.user', { user }, nc)).error.message
    expect(await told('NOWHERE/somebody')).toBe(await told('ANALYTICS/somebody'))
  })

  it('finds who can by templates that are written with spaces', async () => {
    const allow = ['app.{{ user.name }}.>']
    await run('policy.create', { name: 'spaced', publish: { allow } })
    await createUser(admin, 'ORDERS', { name: 'dora', policies: ['spaced'] })
    const asked = { action: 'publish', subject: 'app.dora.x' }
    expect((await run('explain.can', { user: 'dora', ...asked })).body['allowed']).toBe(true)
    const { items } = (await run('explain.who-can', asked)).body as { items: readonly { user: string }[] }
    expect(items.map(({ user }) => user)).toContain('dora')
  })

  it('counts a deny by templates that are written with spaces', async () => {
    const rules = { allow: ['apps.>'], deny: ['apps.{{ user.name }}.secret'] }
    await run('policy.create', { name: 'spaced-deny', publish: rules })
    await createUser(admin, 'ORDERS', { name: 'emil', policies: ['spaced-deny'] })
    const asked = { action: 'publish', subject: 'apps.emil.secret' }
    const { items } = (await run('explain.who-can', asked)).body as { items: readonly { user: string }[] }
    expect(items.map(({ user }) => user)).not.toContain('emil')
  })

  it('replays a decision of an account whose boundary is also a policy of the user', async () => {
    const account = 'BOTH'
    await run('account.create', { name: account })
    await run('policy.create', { name: 'both', publish: { allow: ['orders.>'] } })
    await run('account.set-boundary-policy', { account, policy: 'both' })
    const token = await createUser(admin, account, { name: 'both', policies: ['both'] })
    await world.connect({ authenticator: tokenAuthenticator(token) })
    const decision = await eventually(async () => {
      const { body } = await run('event.list', { account })
      const events = body['items'] as readonly { data: { decisionId?: string } }[]
      return events.map(({ data }) => data.decisionId).find((id) => id !== undefined)
    })
    const { body } = await run('explain.decision', { decision })
    expect(body['decision']).toMatchObject({ isExact: true, grant: { publish: { allow: ['orders.>'] } } })
  })

  it('says no where the door would not sign so much', async () => {
    const policies = ['developer']
    for (let n = 0; n < 6; n += 1) {
      const allow = Array.from({ length: 100 }, (_, i) => `z${n}-${i}.${'y'.repeat(500)}`)
      await run('policy.create', { name: `fat-${n}`, publish: { allow } })
      policies.push(`fat-${n}`)
    }
    const token = await createUser(admin, 'ORDERS', { name: 'large', policies })
    await expect(world.connect({ authenticator: tokenAuthenticator(token) })).rejects.toThrow()
    const asked = { user: 'large', action: 'publish', subject: 'orders.x' }
    expect((await run('explain.can', asked)).body['allowed']).toBe(false)
  })

  it('does not list who is granted too much to be let in', async () => {
    const account = 'CROSS'
    await run('account.create', { name: account })
    const crossing = (of: (i: number) => string) => [
      'orders.x',
      ...Array.from({ length: 100 }, (_, i) => of(i)),
    ]
    await run('policy.create', { name: 'given', publish: { allow: crossing((i) => `*.a${i}.>`) } })
    await run('policy.create', { name: 'cap', publish: { allow: crossing((i) => `b${i}.*.>`) } })
    await run('account.set-boundary-policy', { account, policy: 'cap' })
    await run('user.create', { account, name: 'x', policies: ['given'] })
    const { body } = await run('explain.who-can', { action: 'publish', subject: 'orders.x', account })
    expect(body['items']).toEqual([])
  })
})

it('roles are no deeper than they may be, wherever one is put in', async () => {
  await run('role.create', { name: 'd1', policies: [] })
  for (let n = 2; n <= 8; n += 1)
    await run('role.create', { name: `d${n}`, policies: [], roles: [`d${n - 1}`] })
  await run('role.create', { name: 'e', policies: [] })
  const { error } = await run('role.update', { role: 'd1', policies: [], roles: ['e'] })
  expect(error.message).toContain('more than 8 roles deep')
})

it('an admin of an account may hand on a policy with an inbox', async () => {
  const delegable = { name: 'inboxed', inbox: 'private', delegable: true }
  await run('policy.create', delegable)
  const policies = ['account-admin', 'inboxed']
  const token = await createUser(admin, 'ORDERS', { name: 'delegate', policies })
  const nc = await world.connectAs('admin', {
    authenticator: tokenAuthenticator(token),
    inboxPrefix: await own(),
  })
  const { status } = await run(
    'user.create',
    { account: 'ORDERS', name: 'handed', policies: ['inboxed'] },
    nc,
  )
  expect(status).toBe(200)

  async function own(): Promise<string> {
    const { body } = await run('user.get', { account: 'ORDERS', user: 'delegate' })
    return `_INBOX_${(body['user'] as { id: string }).id}`
  }
})

it('who has one place gets it back as soon as it has left', async () => {
  await run('policy.create', { name: 'single', limits: { sessions: 1 }, publish: { allow: ['a'] } })
  const token = await createUser(admin, 'ORDERS', { name: 'single', policies: ['single'] })
  for (let n = 0; n < 3; n += 1) {
    const nc = await world.connect({ authenticator: tokenAuthenticator(token) })
    await nc.close()
  }
})
