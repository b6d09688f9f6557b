import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encode } from '../../src/jwt/token.ts'
import { tenantClaims } from '../../src/jwt/chain.ts'
import { insideAuth } from '../admin/bus.ts'
import { command } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { createListenerPolicy, listen, openListener } from '../support/listeners.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let admin: NatsConnection
let orders: NatsConnection
let analytics: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  admin = await world.connectAs('admin')
  await createListenerPolicy(admin)
  orders = (await openListener(world, admin, { account: 'ORDERS', name: 'orders-listener' })).nc
  analytics = (await openListener(world, admin, { account: 'ANALYTICS', name: 'analytics-listener' })).nc
})
afterAll(() => world[Symbol.asyncDispose]())

/** Something happens in each account; resolves when every one of these knows the last of it. */
let n = 0
async function happen(): Promise<{ readonly inOrders: string; readonly inAnalytics: string }> {
  n += 1
  const [inOrders, inAnalytics] = [`orders-${n}`, `analytics-${n}`]
  await command(admin, 'user.create', { account: 'ORDERS', name: inOrders })
  await command(admin, 'user.create', { account: 'ANALYTICS', name: inAnalytics })
  return { inOrders, inAnalytics }
}

async function idOf(account: string): Promise<string> {
  const { account: found } = await command(admin, 'account.get', { account })
  return (found as { readonly id: string }).id
}

describe('an account', () => {
  it('hears its own events, under subjects without its key, with nothing but the id for a header', async () => {
    const told = await listen(orders)
    const { inOrders } = await happen()
    const heard = await eventually(() => told.find(({ event }) => event.data['name'] === inOrders))
    expect(heard.subject).toBe('auth.event.user.registered')
    expect(heard.headers).toEqual(['Nats-Msg-Id'])
    expect(heard.messageId).toBe(heard.event.metadata['id'])
    expect(heard.event.data).toMatchObject({ account: await idOf('ORDERS'), policies: [] })
  })

  it('never hears what happens in another, nor what is the operator’s', async () => {
    const [inOrders, inAnalytics] = [await listen(orders, 'auth.>'), await listen(analytics, 'auth.>')].map(
      (told) => () => told.map(({ event }) => event.data['name']),
    )
    await command(admin, 'policy.create', { name: 'of-the-operator' })
    const names = await happen()
    await eventually(() => inOrders!().includes(names.inOrders) && inAnalytics!().includes(names.inAnalytics))
    expect(inOrders!().filter((name) => name !== names.inOrders)).toEqual([])
    expect(inAnalytics!().filter((name) => name !== names.inAnalytics)).toEqual([])
  })

  it('gets nothing by listening on the subjects of AUTH', async () => {
    const id = await idOf('ANALYTICS')
    const told = await Promise.all(
      [`auth.feed.${id}.>`, 'auth.feed.>', 'auth.audit.>', `auth.event.${id}.>`].map((subject) =>
        listen(orders, subject),
      ),
    )
    const own = await listen(orders)
    const { inOrders } = await happen()
    await eventually(() => own.some(({ event }) => event.data['name'] === inOrders))
    expect(told.flat()).toEqual([])
  })

  it('gets nothing by importing the feed of another, or everybody’s, though its JWT says so', async () => {
    const { trust, gatehouse } = world
    const [id, other] = [await idOf('ORDERS'), await idOf('ANALYTICS')]
    const account = gatehouse.directory.account(id)!
    const issuedAt = Math.floor(Date.now() / 1_000) + 100
    const claims = tenantClaims(account, { issuedAt, chain: trust.chain })
    const from = (subject: string, local_subject: string) => ({
      name: subject,
      subject,
      type: 'stream' as const,
      account: trust.chain.callout,
      local_subject,
    })
    const stolen = [
      ...(claims.nats.imports ?? []),
      from(`auth.feed.${other}.>`, 'stolen.feed.>'),
      from('auth.audit.>', 'stolen.audit.>'),
    ]
    const jwt = encode({ ...claims, nats: { ...claims.nats, imports: stolen } }, trust.operatorSigner)
    const inside = await insideAuth(world)
    const answers = await inside.request('$SYS.REQ.CLAIMS.UPDATE', jwt, { timeout: 5_000 })
    expect(answers.json()).toMatchObject({ data: { code: 200 } })

    const thief = (await openListener(world, admin, { account: 'ORDERS', name: 'thief' })).nc
    const stolenTold = await listen(thief, 'stolen.>')
    const told = await listen(thief)
    await happen()
    const { inOrders } = await happen()
    await eventually(() => told.some(({ event }) => event.data['name'] === inOrders))
    expect(stolenTold).toEqual([])
  })
})

describe('an admin', () => {
  it('hears everybody’s, and whose they are', async () => {
    const listener = (await openListener(world, admin, { account: 'ADMIN', name: 'watch' })).nc
    const told = await listen(listener)
    await command(admin, 'policy.create', { name: 'heard-by-admin' })
    const { inOrders, inAnalytics } = await happen()
    const last = await eventually(() => told.find(({ event }) => event.data['name'] === inAnalytics))
    expect(last.subject).toBe(`auth.event.${await idOf('ANALYTICS')}.user.registered`)
    const subjects = told.map(({ subject, event }) => [event.data['name'], subject])
    expect(subjects).toContainEqual([inOrders, `auth.event.${await idOf('ORDERS')}.user.registered`])
    expect(subjects).toContainEqual(['heard-by-admin', 'auth.event.operator.policy.created'])
    expect(told.every(({ event, subject }) => event.subject === subject)).toBe(true)
  })
})

describe('a stream of an account’s own', () => {
  it('captures its events, and each once though the relay hands it on again', async () => {
    const js = jetstream(orders)
    const manager = await jetstreamManager(orders)
    await manager.streams.add({ name: 'captured', subjects: ['auth.event.>'] })
    const { inOrders } = await happen()
    await eventually(async () => (await manager.streams.info('captured')).state.messages > 0)
    const first = await manager.streams.getMessage('captured', { seq: 1 })
    expect(first?.json()).toMatchObject({ data: { name: inOrders } })

    // As after a kill: what was handed on and not acknowledged is handed on again.
    const inside = await jetstreamManager(await insideAuth(world))
    const told = await listen(orders)
    const captured = (await manager.streams.info('captured')).state.messages
    await inside.consumers.delete('auth-events', 'relay')
    await eventually(() => told.some(({ event }) => event.data['name'] === inOrders), 20_000)
    const again = await happen()
    await eventually(() => told.some(({ event }) => event.data['name'] === again.inOrders), 20_000)
    await eventually(async () => (await manager.streams.info('captured')).state.messages > captured)
    const consumer = await js.consumers.get('captured')
    const ids: string[] = []
    for await (const message of await consumer.fetch({ max_messages: 1_000, expires: 1_000 }))
      ids.push(message.headers?.get('Nats-Msg-Id') ?? '')
    expect(ids.filter((id) => id === first?.header.get('Nats-Msg-Id'))).toHaveLength(1)
  })
})
