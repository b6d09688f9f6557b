import { connectAsync, type MqttClient } from 'mqtt'
import type { NatsConnection } from '@nats-io/transport-node'
import { nkeyAuthenticator, tokenAuthenticator } from '@nats-io/transport-node'
import { createUser as createUserKey } from '@nats-io/nkeys'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Permission } from '../../src/jwt/claims.ts'
import { decode } from '../../src/jwt/token.ts'
import { NATS_SERVER } from '../../src/nats/server-binary.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { command, createUser, openTcp, openWebSocket, type WireClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World, type WorldOptions } from '../support/world.ts'

type Environment = Required<Pick<WorldOptions, 'signing' | 'xkey'>> & { server: 'newest' | 'oldest' }

const ENVIRONMENTS: readonly Environment[] = [
  { xkey: 'on', signing: 'strict', server: 'newest' },
  { xkey: 'off', signing: 'strict', server: 'newest' },
  { xkey: 'on', signing: 'root', server: 'newest' },
  { xkey: 'off', signing: 'root', server: 'newest' },
  { xkey: 'on', signing: 'strict', server: 'oldest' },
]
const ALICE = 'alice@example.com'
const BOB = 'bob@example.com'

describe.each(ENVIRONMENTS)('clients (xkey $xkey, $signing signing, $server server)', (environment) => {
  let world: World
  let admin: NatsConnection
  beforeAll(async () => {
    const { server, ...options } = environment
    const binary = await (server === 'oldest' ? oldestServer() : newestServer())
    world = await openWorld({ ...options, binary })
    admin = await world.connectAs('admin')
    await command(admin, 'policy.create', { name: 'asker', publish: { allow: ['events.>'] } })
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const tokenOf = (user: string): string => world.tokens[user] ?? ''
  const wires = {
    TCP: () => openTcp(world.server.ports.nats),
    WebSocket: () => openWebSocket(world.server.ports.websocket ?? 0),
  }
  const mqttAs = (username: string, password: string): Promise<MqttClient> =>
    connectAsync(`mqtt://127.0.0.1:${world.server.ports.mqtt ?? 0}`, {
      protocolVersion: 4,
      reconnectPeriod: 0,
      username,
      password,
    })

  it('are on the server that this is about', () => {
    const version = admin.info?.version
    if (environment.server === 'oldest') expect(version).toBe(NATS_SERVER.minimum)
    else expect(version).not.toBe(NATS_SERVER.minimum)
    expect(world.trust.xkey === undefined).toBe(environment.xkey === 'off')
  })

  it('hold exactly the permissions of their policies', async () => {
    for (const user of [ALICE, BOB, 'service-a']) await world.connectAs(user)

    const base = { pub: ['auth.v1.whoami'], sub: (id: string) => ['_INBOX.>', `_INBOX_${id}.>`] }
    expect(held(world, ALICE)).toEqual({
      pub: { allow: sorted([...base.pub, 'inventory.>', 'orders.>']), deny: ['orders.delete'] },
      sub: { allow: sorted([...base.sub(idOf(world, ALICE)), 'inventory.>', 'orders.>']) },
    })
    expect(held(world, BOB)).toEqual({
      pub: { allow: base.pub, deny: ['>'] },
      sub: { allow: sorted([...base.sub(idOf(world, BOB)), 'orders.>']) },
    })
    expect(held(world, 'service-a')).toEqual({
      pub: { allow: base.pub },
      sub: { allow: sorted([...base.sub(idOf(world, 'service-a')), 'events.> workers']) },
      resp: { max: 1, ttl: 120_000_000_000 },
    })
  })

  it('nats.js: a token alone publishes and subscribes, and is denied by the server what no policy gives', async () => {
    const alice = await world.connectAs(ALICE)
    const bob = await world.connectAs(BOB)
    const refused = permissionErrors(alice)
    const seen = subjectsOf(bob, 'orders.>')
    await bob.flush()

    alice.publish('orders.new')
    alice.publish('orders.delete')
    alice.publish('payments.new')
    alice.publish('orders.last')

    await eventually(() => seen.includes('orders.last'))
    expect(seen).toEqual(['orders.new', 'orders.last'])
    await eventually(() => refused.length === 2)
    expect(refused).toEqual(['publish orders.delete', 'publish payments.new'])
    const bobRefused = permissionErrors(bob)
    bob.publish('orders.new')
    await eventually(() => bobRefused.length === 1)
    expect(bobRefused).toEqual(['publish orders.new'])
  })

  it.each(['TCP', 'WebSocket'] as const)('%s by hand: the same', async (transport) => {
    await using alice = await wires[transport]()
    await alice.connect({ auth_token: tokenOf(ALICE) })
    await using bob = await wires[transport]()
    await bob.connect({ auth_token: tokenOf(BOB) })
    bob.subscribe('orders.>')
    bob.subscribe('inventory.>')
    bob.publish('orders.new', 'mine')
    await bob.settle()

    alice.publish('orders.new', 'hello')
    alice.publish('inventory.counted', 'not for bob')
    alice.publish('orders.delete', 'all of it')
    alice.publish('orders.last', '')
    await alice.settle()

    await bob.until(() => bob.delivered.at(-1)?.subject === 'orders.last')
    expect(bob.delivered.map(({ subject, text }) => [subject, text])).toEqual([
      ['orders.new', 'hello'],
      ['orders.last', ''],
    ])
    expect(violations(alice)).toEqual(['publish orders.delete'])
    expect(violations(bob).sort()).toEqual(['publish orders.new', 'subscription inventory.>'])
  })

  it('MQTT: the token as password, whatever the user name', async () => {
    const bob = await world.connectAs(BOB)
    const seen = subjectsOf(bob, 'orders.>')
    await bob.flush()
    const alice = await mqttAs('whoever', tokenOf(ALICE))
    const heard: string[] = []
    alice.on('message', (topic) => void heard.push(topic))

    const [granted, refused] = await Promise.all([
      alice.subscribeAsync('inventory/counted'),
      alice.subscribeAsync('payments/new').catch((error: unknown) => error),
    ])
    expect(granted[0]?.qos).toBe(0)
    expect(refused).toBeInstanceOf(Error)
    await alice.publishAsync('orders/new', 'hello')
    await alice.publishAsync('orders/delete', 'all of it')
    await alice.publishAsync('inventory/counted', 'seven')
    await alice.publishAsync('orders/last', '')

    await eventually(() => seen.includes('orders.last') && heard.length > 0)
    expect(seen).toEqual(['orders.new', 'orders.last'])
    expect(heard).toEqual(['inventory/counted'])
    await alice.endAsync()
  })

  it('user and password, and the token as password of its user', async () => {
    const password = 'correct horse battery staple'
    const credentials = [{ kind: 'password', password }]
    await command(admin, 'user.update-credentials', { account: 'ORDERS', user: ALICE, credentials })

    for (const pass of [password, tokenOf(ALICE)]) {
      const alice = await world.connect({ user: ALICE, pass })
      expect(await whoami(alice)).toBe(ALICE)
    }
    const alice = await mqttAs(ALICE, password)
    expect(world.heard.admitted.at(-1)).toMatchObject({
      user: { name: ALICE },
      credential: { kind: 'password' },
    })
    await alice.endAsync()
    await expect(world.connect({ user: BOB, pass: tokenOf(ALICE) })).rejects.toThrow()
    expect(world.heard.denied.at(-1)).toMatchObject({ reason: 'unknown_credential', detail: BOB })
  })

  it('an nkey that signs the nonce, without any JWT', async () => {
    const key = createUserKey()
    const credentials = [{ kind: 'nkey', publicKey: key.getPublicKey() }]
    await command(admin, 'user.update-credentials', { account: 'ORDERS', user: BOB, credentials })

    const bob = await world.connect({ authenticator: nkeyAuthenticator(key.getSeed()) })
    expect(await subscribes(bob, 'orders.new')).toBe(true)
    expect(await subscribes(bob, 'inventory.new')).toBe(false)
    expect(world.heard.admitted.at(-1)).toMatchObject({ user: { name: BOB }, credential: { kind: 'nkey' } })
    const stranger = nkeyAuthenticator(createUserKey().getSeed())
    await expect(world.connect({ authenticator: stranger })).rejects.toThrow()
    expect(world.heard.denied.at(-1)?.reason).toBe('unknown_credential')
  })

  it('a queue group, and answers to requests, as its policy says and not otherwise', async () => {
    await using worker = await openTcp(world.server.ports.nats)
    await worker.connect({ auth_token: tokenOf('service-a') })
    worker.subscribe('events.>', { sid: 'plain' })
    worker.subscribe('events.>', { queue: 'others', sid: 'others' })
    worker.subscribe('events.>', { queue: 'workers', sid: 'workers' })
    await worker.settle()
    expect(violations(worker)).toHaveLength(2)

    const token = await createUser(admin, 'ANALYTICS', { name: 'asker', policies: ['asker'] })
    const asker = await world.connect({ authenticator: tokenAuthenticator(token) })
    const replied = asker.request('events.counted', 'how many?')
    await worker.until(() => worker.delivered.length > 0)
    const reply = worker.delivered[0]?.reply ?? ''
    worker.publish(reply, 'seven')
    worker.publish(reply, 'once more') // Its policy says one answer to one request.
    worker.publish('events.mine', 'nothing else')
    await worker.settle()
    expect((await replied).string()).toBe('seven')
    expect(violations(worker).slice(2)).toEqual([`publish ${reply}`, 'publish events.mine'])
    expect(worker.delivered).toHaveLength(1)
  })

  it('of one account see nothing of another', async () => {
    const token = await createUser(admin, 'ANALYTICS', { name: 'namesake', policies: ['developer'] })
    const analytics = await world.connect({ authenticator: tokenAuthenticator(token) })
    const alice = await world.connectAs(ALICE)
    const seen = { alice: subjectsOf(alice, 'orders.>'), analytics: subjectsOf(analytics, 'orders.>') }
    await Promise.all([alice.flush(), analytics.flush()])

    alice.publish('orders.ours')
    await alice.flush()
    analytics.publish('orders.theirs')
    await analytics.flush()
    alice.publish('orders.end')
    analytics.publish('orders.end')

    await eventually(() => seen.alice.includes('orders.end') && seen.analytics.includes('orders.end'))
    expect(seen).toEqual({ alice: ['orders.ours', 'orders.end'], analytics: ['orders.theirs', 'orders.end'] })
  })
})

/** Subject lists have no order. */
function sorted(subjects: readonly string[]): readonly string[] {
  return [...subjects].sort()
}

function lastAdmission(world: World, name: string) {
  const admission = world.heard.admitted.findLast(({ user }) => user.name === name)
  if (admission === undefined) throw new Error(`${name} was never admitted`)
  return admission
}

function idOf(world: World, name: string): string {
  return lastAdmission(world, name).user.id
}

/** The permissions of the user JWT that nats-server was last given for a user. */
function held(world: World, name: string) {
  const decoded = decode(lastAdmission(world, name).jwt)
  if (decoded.type !== 'user') throw new Error(`a ${decoded.type} JWT`)
  const { pub, sub, resp } = decoded.claims.nats
  const lists = ({ allow, deny }: Permission = {}): Permission => ({
    ...(allow && { allow: sorted(allow) }),
    ...(deny && { deny: sorted(deny) }),
  })
  return { pub: lists(pub), sub: lists(sub), ...(resp && { resp }) }
}

/** Subjects of what the connection gets, as it comes. */
function subjectsOf(nc: NatsConnection, subject: string): string[] {
  const seen: string[] = []
  nc.subscribe(subject, { callback: (_, message) => void seen.push(message.subject) })
  return seen
}

/** What the server says that the connection may not, as it says it. */
function permissionErrors(nc: NatsConnection): string[] {
  const refused: string[] = []
  void (async () => {
    for await (const status of nc.status()) {
      if (status.type !== 'error') continue
      const { error } = status as { error: { operation?: string; subject?: string } }
      refused.push(`${error.operation ?? ''} ${error.subject ?? ''}`)
    }
  })()
  return refused
}

/** Does the server accept the subscription? */
async function subscribes(nc: NatsConnection, subject: string): Promise<boolean> {
  const subscription = nc.subscribe(subject)
  await nc.flush()
  return !subscription.isClosed()
}

async function whoami(nc: NatsConnection): Promise<unknown> {
  const { user } = await command(nc, 'whoami', {})
  return (user as { name: string }).name
}

/** Every permission violation that a client by hand was told of. */
function violations({ errors }: WireClient): string[] {
  return errors.map((text) => {
    const [, what = '', subject = ''] = /Permissions Violation for (\w+) to "([^"]+)"/i.exec(text) ?? []
    return what === '' ? text : `${what.toLowerCase()} ${subject}`
  })
}
