import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Gatehouse } from '../../src/main.ts'
import { sessionId, type Session } from '../../src/sessions/session.ts'
import { ask, auditOf, insideAuth, type Heard } from '../admin/bus.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { createUser, openTcp, openWebSocket } from '../support/clients.ts'
import { openCluster, type Cluster } from '../support/cluster.ts'
import { eventFaults } from '../support/events.ts'
import { eventually } from '../support/eventually.ts'

const ALICE = 'alice@example.com'

describe.each([
  ['newest', newestServer],
  ['oldest', oldestServer],
])('the ledger of sessions of two replicas (%s server)', (_, find) => {
  let world: Cluster
  let audit: readonly Heard[]
  beforeAll(async () => {
    world = await openCluster({ servers: 1, replicas: 2, binary: await find() })
    audit = await auditOf(world)
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const services = (): readonly Gatehouse[] => world.replicas.map(({ gatehouse }) => gatehouse)
  const openIn = ({ living }: Gatehouse): readonly Session[] => [...living.ledger.open]
  const told = (type: string, decision: string): readonly Heard[] =>
    audit.filter(
      ({ subject, event }) => subject.endsWith(`.${type}`) && event.data['decisionId'] === decision,
    )

  /** The session of that connection, once every replica has it. */
  async function sessionOf(nc: NatsConnection): Promise<Session> {
    const of = (gatehouse: Gatehouse): Session | undefined =>
      openIn(gatehouse).find(({ cid }) => cid === nc.info?.client_id)
    const [first] = await eventually(() => {
      const found = services().map(of)
      return found.every((session) => session !== undefined) && found
    })
    return first!
  }

  async function noneHas({ server, cid }: Pick<Session, 'server' | 'cid'>): Promise<void> {
    const id = sessionId({ server, cid })
    await eventually(() => services().every(({ living }) => living.ledger.open.get(id) === undefined))
  }

  async function storedKeys(): Promise<readonly string[]> {
    const inside = await insideAuth(world)
    const info = await inside.request(
      '$JS.API.STREAM.INFO.KV_gatehouse-sessions',
      JSON.stringify({ subjects_filter: '>' }),
    )
    await inside.close()
    return Object.keys(info.json<{ state: { subjects?: object } }>().state.subjects ?? {})
  }

  it('knows a connection on every replica, with what let it in', async () => {
    const nc = await world.connectAs(ALICE, { name: 'reader' })
    const session = await sessionOf(nc)
    expect(session).toMatchObject({
      server: nc.info?.server_id,
      name: ALICE,
      client: { host: '127.0.0.1', kind: 'Client', type: 'nats', name: 'reader', lang: 'nats.js' },
    })
    for (const { living } of services()) {
      expect(living.ledger.open.ofUser(session.user).map(sessionId)).toContain(sessionId(session))
      expect(living.ledger.open.get(sessionId(session))).toEqual(session)
    }
  })

  it('forgets on every replica what is over, and tells of it once, with what went by', async () => {
    const nc = await world.connectAs(ALICE, { name: 'worker' })
    const session = await sessionOf(nc)
    nc.publish('orders.new', 'twelve bytes')
    await nc.drain()
    await noneHas(session)
    const [{ subject, event }] = await eventually(() => {
      const events = told('user.logged_out', session.decision)
      return events.length > 0 && (events as [Heard])
    })
    expect(eventFaults(event)).toEqual([])
    expect(subject).toBe(`auth.event.${session.account}.user.logged_out`)
    expect(event).toMatchObject({
      data: {
        userId: session.user,
        name: ALICE,
        credentialId: session.credential,
        since: session.since,
        reason: 'Client Closed',
        sent: { messages: 1, bytes: 12 },
        received: { messages: 0, bytes: 0 },
        userAgent: expect.stringMatching(/^worker nats\.js/) as string,
      },
      metadata: { correlationId: session.decision },
    })
    expect(told('user.logged_out', session.decision)).toHaveLength(1)
    const lines = world.replicas.flatMap(({ heard }) =>
      heard.log.filter((each) => each.includes('session.ended')),
    )
    expect(lines.filter((line) => line.includes(session.decision))).toHaveLength(1)
  })

  it('leaves nothing behind of connections that are over at once', async () => {
    const cids: number[] = []
    for (let round = 0; round < 10; round += 1)
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const nc = await world.connectAs(ALICE)
          cids.push(nc.info?.client_id ?? 0)
          await nc.close()
        }),
      )
    const server = openIn(world.gatehouse)[0]!.server
    for (const cid of cids) await noneHas({ server, cid })
    await eventually(async () => {
      for (const { living } of services()) await living.ledger.settled()
      // Marks of deletion are subjects too: what counts is what a replica that comes now would read.
      await using newcomer = await world.openReplica()
      return openIn(newcomer.gatehouse).every(({ cid }) => !cids.includes(cid))
    }, 30_000)
    expect((await storedKeys()).length).toBeGreaterThan(0)
  })

  it('does not keep whoever left before the answer', async () => {
    const before = world.replicas.map(({ heard }) => heard.admitted.length)
    const clients = await Promise.all(Array.from({ length: 20 }, () => openTcp(world.server.ports.nats)))
    for (const client of clients) {
      client.connect({ auth_token: world.tokens[ALICE] }).catch(() => undefined)
      await client[Symbol.asyncDispose]()
    }
    await eventually(() => world.replicas.some(({ heard }, n) => heard.admitted.length > before[n]!))
    const names = (): readonly (string | undefined)[] =>
      services().flatMap((each) => openIn(each).map(({ client }) => client.lang))
    await eventually(() => !names().includes('by hand'), 20_000)
  })

  it('knows a WebSocket client, and one that signs', async () => {
    const socket = await openWebSocket(world.server.ports.websocket ?? 0)
    await socket.connect({ auth_token: world.tokens[ALICE], name: 'browser' })
    const session = await eventually(() =>
      openIn(world.gatehouse).find(({ client }) => client.name === 'browser'),
    )
    expect(session.client.type).toBe('websocket')
    await socket[Symbol.asyncDispose]()
    await noneHas(session)
  })

  it('adopts a connection that nobody has recorded, and only such', async () => {
    const nc = await world.connectAs(ALICE, { name: 'stranger' })
    const session = await sessionOf(nc)
    const inside = await insideAuth(world, { name: 'not ours' })
    const id = sessionId(session)
    const found = await eventually(async () => {
      for (const { living } of services()) {
        const { open } = living.ledger
        if (open.get(id)?.adopted === true) return open.get(id)
        // As if its record had been lost on the way; the echo of it may still come.
        if (open.remove(id) !== undefined) await living.reconciliation.all()
      }
      return undefined
    }, 40_000)
    expect(found).toMatchObject({
      adopted: true,
      user: session.user,
      name: ALICE,
      account: session.account,
      credential: '',
      grantHash: '',
    })
    await sessionOf(nc)
    expect(
      services()
        .flatMap(openIn)
        .map(({ cid }) => cid),
    ).not.toContain(inside.info?.client_id)
    expect(
      new Set(
        services()
          .flatMap(openIn)
          .map(({ account }) => account),
      ),
    ).not.toContain(world.trust.chain.callout)
    await nc.close()
    await noneHas(session)
    await eventually(() => audit.find(({ event }) => event.metadata['correlationId'] === sessionId(session)))
  })

  it('ends what no server has', async () => {
    const nc = await world.connectAs(ALICE, { name: 'ghost' })
    const { living } = world.gatehouse
    const ghost = { ...(await sessionOf(nc)), cid: 999_999, decision: 'UGHOST' }
    living.ledger.record(ghost)
    await noneHas(ghost)
    const [{ event }] = await eventually(() => {
      const events = told('user.logged_out', 'UGHOST')
      return events.length > 0 && (events as [Heard])
    }, 20_000)
    expect(event.data).toMatchObject({ reason: 'Unknown' })
  })

  it('is read by a replica that comes later', async () => {
    const session = await sessionOf(await world.connectAs(ALICE, { name: 'early' }))
    await using newcomer = await world.openReplica()
    expect(newcomer.gatehouse.living.ledger.open.get(sessionId(session))).toEqual(session)
    await eventually(() => newcomer.gatehouse.living.replicas.live.length === 3)
  })

  it('tells of a client that was cut off and came back as one that goes on', async () => {
    const admin = await world.connectAs('admin')
    const token = await createUser(admin, 'ORDERS', { name: 'phoenix' })
    const nc = await world.connect({
      authenticator: tokenAuthenticator(token),
      name: 'bird',
      reconnect: true,
      reconnectTimeWait: 50,
      ignoreAuthErrorAbort: true,
    })
    const first = await sessionOf(nc)
    const { connection } = world.gatehouse
    await connection.nc.request(`$SYS.REQ.SERVER.${first.server}.KICK`, JSON.stringify({ cid: first.cid }))
    await noneHas(first)
    const { event } = await eventually(() =>
      audit.find(({ event }) => event.data['previousDecisionId'] === first.decision),
    )
    expect(eventFaults(event)).toEqual([])
    expect(event.subject.endsWith('.user.token_refreshed')).toBe(true)
    const decision = String(event.data['decisionId'])
    expect(told('user.logged_in', decision)).toHaveLength(0)
    const explained = await ask(admin, { command: 'explain.decision', payload: { decision } })
    expect(explained.body['decision']).toMatchObject({ outcome: 'admitted', isExact: true })
    const before = await ask(admin, { command: 'explain.decision', payload: { decision: first.decision } })
    expect(before.body['decision']).toMatchObject({ outcome: 'admitted' })
    expect((await eventually(() => told('user.logged_out', first.decision)[0])).event.data['reason']).toBe(
      'Kicked',
    )
  })

  it('knows the other replica, and how far it has read', async () => {
    const { replicas } = world.gatehouse.living
    await eventually(() => replicas.live.length === 2)
    expect(await replicas.haveSeen(world.gatehouse.directory.seen, 5_000)).toEqual([])
    const beyond = { records: Number.MAX_SAFE_INTEGER, users: 0 }
    expect(await replicas.haveSeen(beyond, 10)).toHaveLength(2)
  })
})
