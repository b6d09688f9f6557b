import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { expect, it } from 'vitest'
import { join } from 'node:path'
import type { AuditEvent } from '../../src/admin/transaction.ts'
import { startEmbeddedServer } from '../../src/nats/embedded-server.ts'
import { EventRelay } from '../../src/nats/event-relay.ts'
import type { ServerProcess } from '../../src/nats/server-process.ts'
import { insideAuth } from '../admin/bus.ts'
import { newestServer } from '../support/binaries.ts'
import { command } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { createListenerPolicy, listen, openListener, type Told } from '../support/listeners.ts'
import { openWorld, PROJECT, type World } from '../support/world.ts'

const MANY = 50

function namesOf(told: readonly Told[]): readonly unknown[] {
  return told
    .filter(({ subject }) => subject === 'auth.event.user.registered')
    .map(({ event }) => event.data['name'])
}

it('goes on after the server was away, and a stream of the account’s own has every event once', async () => {
  await using world = await openWorld()
  const admin = await world.connectAs('admin')
  await createListenerPolicy(admin)
  const connection = {
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    ignoreAuthErrorAbort: true, // It may be back before the service is.
  }
  const { nc } = await openListener(world, admin, { account: 'ORDERS', name: 'listener', connection })
  const manager = await jetstreamManager(nc)
  await manager.streams.add({ name: 'captured', subjects: ['auth.event.>'] })
  const names = Array.from({ length: MANY }, (_, n) => `before-${n}`)
  await Promise.all(names.map((name) => command(admin, 'user.create', { account: 'ORDERS', name })))

  await using _server = await restart(world)
  await using _drainedFirst = { [Symbol.asyncDispose]: () => world.gatehouse[Symbol.asyncDispose]() }
  const again = await eventually(() => world.connectAs('admin').catch(() => undefined), 30_000)
  await command(again, 'user.create', { account: 'ORDERS', name: 'after' })
  await eventually(() => nc.rtt().catch(() => undefined), 30_000)
  // What was on its way when the server went is handed out again later, after what came since.
  const inside = await jetstreamManager(await insideAuth(world))
  const isDone = async (): Promise<boolean> => {
    const newest = { last_by_subj: 'auth.event.*.user.registered' }
    const event = (await inside.streams.getMessage('auth-events', newest))?.json<AuditEvent>()
    const { num_pending, num_ack_pending } = await inside.consumers.info('auth-events', 'relay')
    return event?.data['name'] === 'after' && num_pending + num_ack_pending === 0
  }
  await eventually(isDone, 30_000)
  const captured: Told[] = []
  const consumer = await jetstream(nc).consumers.get('captured')
  for await (const message of await consumer.fetch({ max_messages: 10 * MANY, expires: 1_000 }))
    captured.push({ subject: message.subject, headers: [], messageId: '', event: message.json() })
  expect([...namesOf(captured)].sort()).toEqual([...names, 'after'].sort())
})

it('is shared by two, and each event is handed on once', async () => {
  await using world = await openWorld()
  const admin = await world.connectAs('admin')
  await createListenerPolicy(admin)
  const told = await listen((await openListener(world, admin, { account: 'ORDERS', name: 'listener' })).nc)
  const failures: unknown[] = []
  await using _second = new EventRelay(await insideAuth(world), { onError: (error) => failures.push(error) })

  const names = Array.from({ length: MANY }, (_, n) => `user-${n}`)
  await Promise.all(names.map((name) => command(admin, 'user.create', { account: 'ORDERS', name })))
  await command(admin, 'user.create', { account: 'ORDERS', name: 'last' })
  await eventually(() => new Set(namesOf(told)).size > MANY)
  expect([...namesOf(told)].sort()).toEqual([...names, 'last'].sort())
  expect(failures).toEqual([])
})

it('hands on again what a replica had in its hands when it was killed', async () => {
  await using world = await openWorld()
  const admin = await world.connectAs('admin')
  await createListenerPolicy(admin)
  const told = await listen((await openListener(world, admin, { account: 'ORDERS', name: 'listener' })).nc)
  const killed = await insideAuth(world)
  // It takes from the stream, and gets no further: as if it were killed in between.
  const taken: string[] = []
  const publish = killed.publish.bind(killed)
  killed.publish = (subject, ...rest) => {
    if (subject.startsWith('auth.feed.')) taken.push(subject)
    else if (!subject.startsWith('auth.')) publish(subject, ...rest)
  }
  killed.flush = () => new Promise(() => undefined)
  const relay = new EventRelay(killed, { onError: () => undefined })
  expect(relay).toBeDefined()
  const names = Array.from({ length: MANY }, (_, n) => `user-${n}`)
  await Promise.all(names.map((name) => command(admin, 'user.create', { account: 'ORDERS', name })))
  await eventually(() => taken.length > 0)
  expect(new Set(namesOf(told)).size).toBeLessThan(MANY)
  await killed.close()
  await eventually(() => new Set(namesOf(told)).size === MANY, 30_000)
})

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
