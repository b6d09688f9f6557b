import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pino } from 'pino'
import { startGatehouse, type Gatehouse } from '../../src/main.ts'
import { sessionId } from '../../src/sessions/session.ts'
import { createTelemetry } from '../../src/telemetry.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let other: Gatehouse
beforeAll(async () => {
  world = await openWorld()
  const log = pino({ level: 'silent' })
  const telemetry = createTelemetry(log, () => undefined)
  other = await startGatehouse({ ...world, url: world.server.url, telemetry, log, replicas: 1 })
})
afterAll(async () => {
  await other[Symbol.asyncDispose]()
  await world[Symbol.asyncDispose]()
})

describe('the ledger of sessions', () => {
  it('knows a connection on every replica, with what let it in', async () => {
    const nc = await world.connectAs('alice@example.com', { name: 'reader' })
    const ledgers = [world.gatehouse, other].map(({ living }) => living.ledger.open)
    for (const open of ledgers) {
      const session = await eventually(() => [...open].find(({ cid }) => cid === nc.info?.client_id))
      expect(session).toMatchObject({
        server: nc.info?.server_id,
        name: 'alice@example.com',
        client: { host: '127.0.0.1', kind: 'Client', type: 'nats', name: 'reader', lang: 'nats.js' },
      })
      expect(open.ofUser(session.user)).toContain(session)
      expect(open.get(sessionId(session))).toBe(session)
    }
  })

  it('forgets on every replica what is over', async () => {
    const nc = await world.connectAs('alice@example.com')
    const found = await eventually(() =>
      [...other.living.ledger.open].find(({ cid }) => cid === nc.info?.client_id),
    )
    other.living.ledger.end(sessionId(found))
    await eventually(() => world.gatehouse.living.ledger.open.get(sessionId(found)) === undefined)
  })

  it('knows the other replica, and how far it has read', async () => {
    const { replicas } = world.gatehouse.living
    await eventually(() => replicas.live.length === 2)
    expect(await replicas.haveSeen(world.gatehouse.directory.seen, 5_000)).toEqual([])
    const beyond = { records: Number.MAX_SAFE_INTEGER, users: 0 }
    expect(await replicas.haveSeen(beyond, 10)).toHaveLength(2)
  })
})
