import { connectAsync, type MqttClient } from 'mqtt'
import {
  connect,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
  type NatsConnection,
  type Status,
} from '@nats-io/transport-node'
import { createUser as createUserKey } from '@nats-io/nkeys'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, auditOf, type Heard } from '../admin/bus.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { command, createUser, openTcp, openWebSocket, type WireClient } from '../support/clients.ts'
import { openCluster, type Cluster } from '../support/cluster.ts'
import { systemAuthenticator } from '../support/cluster-servers.ts'
import { eventually } from '../support/eventually.ts'
import { sessionId } from '../../src/sessions/session.ts'

const PASSWORD = 'correct horse battery staple'
const NAME = 'everybody'

/** A nats.js client, and what its application was told. */
interface Watched {
  readonly nc: NatsConnection
  readonly told: readonly Status['type'][]
}

/** Two accounts have somebody of one name, who has everything that one can connect with. */
async function openReloadable(binary: string): Promise<Reloadable> {
  const cluster = await openCluster({ binary, servers: 1, replicas: 2 })
  const admin = await cluster.connectAs('admin')
  const done = (name: string, payload: object) => command(admin, name, payload as Record<string, unknown>)
  await done('account.update-limits', { account: 'ORDERS', limits: { jetstream: {} } })
  await done('policy.create', {
    name: 'everything',
    publish: { allow: ['>'] },
    subscribe: { allow: ['>'] },
  })
  await done('policy.create', { name: 'once', limits: { sessions: 1 } })
  const policies = ['everything']
  await createUser(admin, 'ANALYTICS', { name: NAME, policies })
  await done('user.create', { account: 'ORDERS', name: NAME, policies })
  const once = await createUser(admin, 'ORDERS', { name: 'once', policies: ['everything', 'once'] })
  const of = { account: 'ORDERS', user: NAME }
  const key = createUserKey()
  const credentials = [
    { kind: 'password', password: PASSWORD },
    { kind: 'nkey', publicKey: key.getPublicKey() },
  ]
  await done('user.update-credentials', { ...of, credentials })
  const token = String((await done('user.issue-token', of))['token'])
  const creds = String((await done('user.issue-token', { ...of, as: 'creds' }))['creds'])
  const system = await connect({
    servers: cluster.server.url,
    authenticator: systemAuthenticator(cluster.trust),
  })
  const audit = await auditOf(cluster)
  return { cluster, token, once, seed: key.getSeed(), creds, system, audit }
}

interface Reloadable {
  readonly cluster: Cluster
  readonly token: string
  /** The token of somebody who may be connected once. */
  readonly once: string
  readonly seed: Uint8Array
  readonly creds: string
  /** Somebody of the system account, who is not called out. */
  readonly system: NatsConnection
  readonly audit: readonly Heard[]
}

/** Connects in every way there is. All of them hear `ping`. */
class Crowd implements AsyncDisposable {
  readonly watched: Watched[] = []
  readonly wires: WireClient[] = []
  readonly #world: Reloadable
  mqtt!: MqttClient
  heard: string[] = []
  mqttCloses = 0

  constructor(world: Reloadable) {
    this.#world = world
  }

  static async gather(world: Reloadable): Promise<Crowd> {
    const crowd = new Crowd(world)
    const { cluster, token, once, seed, creds } = world
    const { ports } = cluster.server
    for (const authenticator of [
      tokenAuthenticator(token),
      tokenAuthenticator(once),
      usernamePasswordAuthenticator(`ORDERS/${NAME}`, PASSWORD),
      usernamePasswordAuthenticator(`ORDERS/${NAME}`, token),
      nkeyAuthenticator(seed),
      credsAuthenticator(Buffer.from(creds)),
    ])
      await crowd.#enter(authenticator)
    await crowd.#wire(await openTcp(ports.nats), { auth_token: token })
    await crowd.#wire(await openTcp(ports.nats), { user: token })
    await crowd.#wire(await openTcp(ports.nats), { jwt: cluster.trust.sentinelJwt, auth_token: token })
    await crowd.#wire(await openWebSocket(ports.websocket ?? 0), { auth_token: token })
    crowd.mqtt = await connectAsync(`mqtt://127.0.0.1:${ports.mqtt ?? 0}`, {
      protocolVersion: 4,
      username: 'whoever',
      password: token,
      clientId: 'device',
      reconnectPeriod: 100,
    })
    crowd.mqtt.on('close', () => (crowd.mqttCloses += 1))
    crowd.mqtt.on('message', () => void crowd.heard.push('mqtt'))
    await crowd.mqtt.subscribeAsync('ping')
    return crowd
  }

  get size(): number {
    return this.watched.length + this.wires.length + 1
  }

  async #enter(authenticator: Authenticator): Promise<void> {
    const { cluster } = this.#world
    const nc = await cluster.connect({ authenticator, reconnect: true, reconnectTimeWait: 50 })
    const told: Status['type'][] = []
    void (async () => {
      for await (const { type } of nc.status()) told.push(type)
    })()
    const index = this.watched.push({ nc, told }) - 1
    nc.subscribe('ping', { callback: () => void this.heard.push(`nats.js ${index}`) })
    await nc.flush()
  }

  async #wire(client: WireClient, options: Readonly<Record<string, unknown>>): Promise<void> {
    await client.connect(options)
    client.subscribe('ping')
    await client.settle()
    this.wires.push(client)
  }

  /** Waits until every nats.js and MQTT client hears what is published. */
  async hears(): Promise<void> {
    const [{ nc: publisher }] = this.watched as [Watched]
    await eventually(() => {
      publisher.publish('ping')
      return new Set(this.heard).size === this.watched.length + 1
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mqtt.endAsync(true)
    for (const wire of this.wires) await wire[Symbol.asyncDispose]()
    for (const { nc } of this.watched) await nc.close()
  }
}

describe.each([
  { name: '2.15', find: newestServer, isResumed: true },
  { name: '2.12', find: oldestServer, isResumed: false },
])('a reload of the configuration of nats-server $name', ({ find, isResumed }) => {
  let world: Reloadable
  beforeAll(async () => {
    world = await openReloadable(await find())
  })
  afterAll(async () => {
    await world.system.close()
    await world.cluster[Symbol.asyncDispose]()
  })

  /** Resolves when the server says that it is done. */
  async function reload(): Promise<void> {
    const id = world.system.info?.server_id ?? ''
    const reply = await world.system.request(`$SYS.REQ.SERVER.${id}.RELOAD`, '', { timeout: 20_000 })
    expect(reply.json()).not.toHaveProperty('error')
  }

  const logged = (event: string): number =>
    world.cluster.replicas.flatMap(({ heard }) => heard.log).filter((line) => line.includes(event)).length
  const logins = (): number => world.audit.filter(({ subject }) => subject.endsWith('user.logged_in')).length
  const refusals = () => world.cluster.replicas.flatMap(({ heard }) => [...heard.denied, ...heard.dropped])

  /** Somebody without a client library, whom every replica knows to be there. */
  async function enter(): Promise<WireClient> {
    const client = await openTcp(world.cluster.server.ports.nats)
    await client.connect({ auth_token: world.token })
    const id = sessionId(client.connection)
    const { replicas } = world.cluster
    await eventually(() =>
      replicas.every(({ gatehouse }) => gatehouse.living.ledger.open.get(id) !== undefined),
    )
    return client
  }

  const endsNoConnection = (): void =>
    it('ends no connection: each is resumed, and none logs in again', async () => {
      await using crowd = await Crowd.gather(world)
      await eventually(() => logins() >= crowd.size)
      const [resumed, before] = [logged('callout.resumed'), logins()]
      const places = crowd.watched.map(({ nc }) => nc.info?.client_id)

      for (const times of [1, 2]) {
        await reload()
        expect(logged('callout.resumed') - resumed).toBeGreaterThanOrEqual(times * crowd.size)
      }
      crowd.heard = []
      await crowd.hears()
      for (const wire of crowd.wires) {
        await wire.settle()
        expect(wire.delivered.length).toBeGreaterThan(0)
      }
      expect(crowd.watched.map(({ told }) => told)).toEqual(crowd.watched.map(() => []))
      expect(crowd.watched.map(({ nc }) => nc.info?.client_id)).toEqual(places)
      expect(crowd.mqttCloses).toBe(0)
      expect(refusals()).toEqual([])
      await world.cluster.connectAs('admin') // Its login comes after whatever the reload would have brought.
      await eventually(() => logins() > before)
      expect(logins()).toBe(before + 1)
    })

  const endsEveryConnection = (): void =>
    it('ends every connection, and each comes back without a word', async () => {
      await using crowd = await Crowd.gather(world)
      await reload()
      await Promise.all(crowd.wires.map(({ ended }) => ended))
      expect(crowd.wires.flatMap(({ errors }) => errors)).toEqual([])
      await eventually(() => crowd.watched.every(({ told }) => told.includes('reconnect')))
      crowd.heard = []
      await crowd.hears()
      for (const { told } of crowd.watched) expect(told).not.toContain('error')
      expect(crowd.mqttCloses).toBeGreaterThan(0)
      expect(refusals()).toEqual([])
      expect(logged('callout.resumed')).toBe(0)
    })

  if (isResumed) endsNoConnection()
  else endsEveryConnection()

  it('leaves the service where it is', async () => {
    const connections = world.cluster.replicas.map(({ gatehouse }) => gatehouse.connection.nc)
    const places = connections.map((nc) => nc.info?.client_id)
    await reload()
    process.kill(world.cluster.server.pid, 'SIGHUP')
    await reload()
    for (const nc of connections) await nc.flush()
    expect(connections.map((nc) => nc.info?.client_id)).toEqual(places)
    expect(logged('nats.disconnected')).toBe(0)
  })

  it.each([
    ['nothing', () => ({})],
    ['its name', () => ({ user: NAME })],
  ])('or a second CONNECT with %s: the connection is who it was', async (_, options) => {
    await using client = await enter()
    await client.connect(options())
    client.subscribe('_INBOX.me')
    client.publish('auth.v1.whoami', '', '_INBOX.me')
    await client.until(() => client.delivered.length > 0)
    expect(client.delivered[0]?.text).toContain(`"name":"${NAME}"`)
  })

  it.each([
    ['another name', () => ({ user: 'once' }), 'no_credential'],
    ['a name nobody has', () => ({ user: 'mallory' }), 'no_credential'],
    ['the name of an admin', () => ({ user: 'admin' }), 'no_credential'],
    ['a forged name', () => ({ user: '>' }), 'no_credential'],
    ['a wrong token', () => ({ auth_token: 'gh_wrong' }), 'unknown_credential'],
    ['a wrong password', () => ({ pass: 'incorrect horse' }), 'wrong_password'],
    ['the token of another user', () => ({ auth_token: world.once }), 'session_of_another'],
    ['an admin’s token', () => ({ auth_token: world.cluster.tokens['admin'] }), 'session_of_another'],
  ])('does not help a second CONNECT with %s', async (_, options, reason) => {
    await using client = await enter()
    const before = new Set(refusals())
    await expect(client.connect(options())).rejects.toThrow('Authorization Violation')
    const reasons = refusals().flatMap((one) => (before.has(one) ? [] : [one.reason]))
    expect(reasons).toEqual([reason])
  })

  it('takes a new connection for what it is, whatever name it gives', async () => {
    for (const user of [NAME, 'admin']) {
      await using client = await openTcp(world.cluster.server.ports.nats)
      await expect(client.connect({ user })).rejects.toThrow('Authorization Violation')
    }
    const { status } = await ask(await world.cluster.connectAs('admin'), { command: 'whoami' })
    expect(status).toBe(200)
  })
})
