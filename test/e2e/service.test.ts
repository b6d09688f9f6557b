import { once } from 'node:events'
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net'
import { pino } from 'pino'
import { tokenAuthenticator, type NatsConnection } from '@nats-io/transport-node'
import { describe, expect, it } from 'vitest'
import { join } from 'node:path'
import { startGatehouse, type Gatehouse } from '../../src/main.ts'
import { startEmbeddedServer } from '../../src/nats/embedded-server.ts'
import type { ServerProcess } from '../../src/nats/server-process.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import { newestServer } from '../support/binaries.ts'
import { command, createUser } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, PROJECT, type World } from '../support/world.ts'

const ALICE = 'alice@example.com'
const MANY = 200

describe('a change by command', () => {
  it('of a policy is what the very next connection gets, also of a user who is remembered', async () => {
    await using world = await openWorld()
    const admin = await world.connectAs('admin')
    await world.connectAs(ALICE)
    for (let n = 1; n <= 20; n += 1) {
      const publish = { allow: [`orders.${n}`] }
      await command(admin, 'policy.update-permissions', { policy: 'developer', publish })
      const alice = await world.connectAs(ALICE)
      expect(world.heard.admitted.at(-1)?.grant.publish.allow).toContain(`orders.${n}`)
      await alice.close()
    }
  })

  it('of a user is so for the very next connection: a token more, a policy less', async () => {
    await using world = await openWorld()
    const admin = await world.connectAs('admin')
    const alice = { account: 'ORDERS', user: ALICE }
    await world.connectAs(ALICE)
    for (let n = 1; n <= 20; n += 1) {
      const { token } = await command(admin, 'user.issue-token', alice)
      await (await connectWith(world, String(token))).close()
      const verb = n % 2 === 0 ? 'assign-policy' : 'remove-policy'
      await command(admin, `user.${verb}`, { ...alice, policy: 'developer' })
      await (await world.connectAs(ALICE)).close()
      expect(world.heard.admitted.at(-1)?.grant.publish.allow.includes('orders.>')).toBe(n % 2 === 0)
    }
  })

  it('that makes a user whom it refused before lets that user in', async () => {
    await using world = await openWorld()
    const admin = await world.connectAs('admin')
    const password = 'correct horse battery staple'
    const carol = { account: 'ORDERS', user: 'carol' }
    const enter = (): Promise<NatsConnection> => world.connect({ user: 'carol', pass: password })
    await expect(enter()).rejects.toThrow()
    expect(world.heard.denied.at(-1)?.reason).toBe('unknown_credential')
    await command(admin, 'user.create', { account: 'ORDERS', name: 'carol' })
    await expect(enter()).rejects.toThrow()
    expect(world.heard.denied.at(-1)?.reason).toBe('wrong_password')
    const credentials = [{ kind: 'password', password }]
    await command(admin, 'user.update-credentials', { ...carol, credentials })
    await expect(enter()).resolves.toBeDefined()
  })
})

describe('a restart of nats-server', () => {
  it('is survived: the service comes back, knows what it knew, and misses no change after it', async () => {
    await using world = await openWorld()
    await world.connectAs(ALICE)
    await world.server[Symbol.asyncDispose]()
    await expect(world.connectAs(ALICE)).rejects.toThrow()

    await using server = await restart(world)
    await using _drainedFirst = { [Symbol.asyncDispose]: () => world.gatehouse[Symbol.asyncDispose]() }
    expect(server.url).toBe(world.server.url)
    const admin = await eventually(() => world.connectAs('admin').catch(() => undefined), 30_000)

    // Before the watch is back a change may be late; then it must not be lost.
    const token = await createUser(admin, 'ORDERS', { name: 'dave', policies: ['developer'] })
    await eventually(() => connectWith(world, token).catch(() => undefined), 30_000)
    const publish = { allow: ['orders.after'] }
    await command(admin, 'policy.update-permissions', { policy: 'developer', publish })
    await eventually(async () => {
      const alice = await world.connectAs(ALICE)
      await alice.close()
      return world.heard.admitted.at(-1)?.grant.publish.allow.includes('orders.after')
    }, 30_000)
    expect(world.heard.dropped).toEqual([])
  })
})

describe('a replica that was cut off', () => {
  it.each(['only from its server', 'while its server started anew'])(
    '%s hears of every change that was made meanwhile',
    async (how) => {
      await using world = await openWorld()
      await using wire = await openWire(world.server.ports.nats)
      await using other = await openReplica(world, `nats://127.0.0.1:${wire.port}`)
      const { directory } = other.gatehouse
      const policiesOf = async (name: string) => (await directory.usersNamed(name))[0]?.policies
      expect(await policiesOf(ALICE)).toHaveLength(1) // From now on she is remembered.
      expect(await policiesOf('frank')).toBeUndefined()

      wire.cut()
      await using _server = how === 'only from its server' ? undefined : await restart(world)
      await using _drainedFirst = { [Symbol.asyncDispose]: () => world.gatehouse[Symbol.asyncDispose]() }
      const admin = await eventually(() => world.connectAs('admin').catch(() => undefined), 30_000)
      await command(admin, 'user.remove-policy', { account: 'ORDERS', user: ALICE, policy: 'developer' })
      await createUser(admin, 'ORDERS', { name: 'frank' })
      await command(admin, 'policy.create', { name: 'meanwhile' })
      const { account } = await command(admin, 'account.create', { name: 'MEANWHILE' })
      wire.mend()

      await eventually(async () => (await policiesOf(ALICE))?.length === 0)
      await eventually(async () => (await policiesOf('frank')) !== undefined)
      await eventually(() => directory.account(String(account)))
    },
  )
})

describe('two replicas', () => {
  it('answer each request once, take commands from either, and both see every change', async () => {
    await using world = await openWorld()
    await using other = await openReplica(world)
    const admin = await world.connectAs('admin')
    const token = await createUser(admin, 'ORDERS', { name: 'erin', policies: ['developer'] })
    const before = world.heard.admitted.length + other.admitted()

    const clients = await Promise.all(Array.from({ length: 40 }, () => connectWith(world, token)))
    expect(world.heard.admitted.length + other.admitted() - before).toBe(clients.length)
    expect(other.admitted()).toBeGreaterThan(0)
    expect(world.heard.admitted.length).toBeGreaterThan(0)
    const answered = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        command(admin, 'user.create', { account: 'ORDERS', name: `user-${n}` }),
      ),
    )
    expect(new Set(answered.map(({ user }) => user)).size).toBe(20)

    const publish = { allow: ['orders.changed'] }
    await command(admin, 'policy.update-permissions', { policy: 'developer', publish })
    for (const directory of [world.gatehouse.directory, other.gatehouse.directory]) {
      await eventually(async () => {
        const [erin] = await directory.usersNamed('erin')
        const policy = directory.policy(erin?.policies[0] ?? '')
        return policy?.permissions.publish.allow.includes('orders.changed')
      })
    }
  })

  it('refuse nobody while one of them leaves', async () => {
    await using world = await openWorld()
    const password = 'correct horse battery staple'
    const credentials = [{ kind: 'password', password }]
    const admin = await world.connectAs('admin')
    await command(admin, 'user.update-credentials', { account: 'ORDERS', user: ALICE, credentials })
    for (let round = 0; round < 6; round += 1) {
      await using leaving = await openReplica(world)
      const admitted = (): number => world.heard.admitted.length + leaving.admitted()
      const before = admitted()
      // Passwords take their time, so that most likely it leaves with one in its hands.
      const arriving = Array.from({ length: 3 }, () => world.connect({ user: ALICE, pass: password }))
      await eventually(() => admitted() > before)

      await leaving.gatehouse[Symbol.asyncDispose]()

      await expect(Promise.all(arriving)).resolves.toHaveLength(3)
      const left = leaving.admitted()
      await world.connectAs(ALICE)
      expect(leaving.admitted()).toBe(left)
      expect(leaving.failures()).toEqual([])
    }
  })
})

it('200 clients at the same moment are all admitted', async () => {
  await using world = await openWorld()
  const clients = await Promise.all(Array.from({ length: MANY }, () => world.connectAs(ALICE)))

  expect(clients.every((client) => !client.isClosed())).toBe(true)
  expect(world.heard.admitted).toHaveLength(MANY)
  expect([...world.heard.dropped, ...world.heard.failures]).toEqual([])
})

function connectWith(world: World, token: string): Promise<NatsConnection> {
  return world.connect({ authenticator: tokenAuthenticator(token) })
}

/** A nats-server on the ports and the files of the one that was stopped. */
async function restart({ dir, trust, server }: World): Promise<ServerProcess> {
  await server[Symbol.asyncDispose]()
  const { ports } = server
  const at = (port: number | undefined): string => `127.0.0.1:${port ?? -1}`
  return startEmbeddedServer({
    binary: await newestServer(),
    configFile: join(PROJECT, 'nats-server.conf'),
    dir,
    trust,
    listen: { nats: at(ports.nats), websocket: at(ports.websocket), mqtt: at(ports.mqtt) },
    log: () => undefined,
  })
}

interface Replica extends AsyncDisposable {
  readonly gatehouse: Gatehouse
  readonly admitted: () => number
  readonly failures: () => readonly unknown[]
}

/** One service more in the same world, with the same keys. */
async function openReplica({ server, trust, vault }: World, url = server.url): Promise<Replica> {
  const log = pino({ level: 'silent' })
  const failures: unknown[] = []
  let admitted = 0
  const telemetry = {
    ...createTelemetry(log, ({ outcome }) => {
      if (outcome === 'admitted') admitted += 1
    }),
    failed: (error: unknown) => void failures.push(error),
  }
  const gatehouse = await startGatehouse({ url, trust, vault, telemetry, log, replicas: 1 })
  return {
    gatehouse,
    admitted: () => admitted,
    failures: () => failures,
    [Symbol.asyncDispose]: () => gatehouse[Symbol.asyncDispose](),
  }
}

interface Wire extends AsyncDisposable {
  readonly port: number
  /** Ends every connection and lets none through. */
  cut(): void
  mend(): void
}

/** A wire to a port, which can be cut. */
async function openWire(to: number): Promise<Wire> {
  const sockets = new Set<Socket>()
  let isCut = false
  const wire = createServer((near) => {
    if (isCut) {
      near.destroy()
      return
    }
    const far = connectTcp(to, '127.0.0.1')
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('error', () => undefined)
      from.once('close', () => into.destroy())
      from.pipe(into)
    }
  }).listen(0, '127.0.0.1')
  await once(wire, 'listening')
  const cut = (): void => {
    isCut = true
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    port: (wire.address() as AddressInfo).port,
    cut,
    mend: () => {
      isCut = false
    },
    async [Symbol.asyncDispose]() {
      cut()
      wire.close()
      await once(wire, 'close')
    },
  }
}
