import { jetstreamManager } from '@nats-io/jetstream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SERVER_GONE } from '../../src/sessions/presence.ts'
import { sessionId, type Session } from '../../src/sessions/session.ts'
import { auditOf, insideAuth } from '../admin/bus.ts'
import { openCluster, type Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'

const ALICE = 'alice@example.com'
const SESSIONS = 'KV_gatehouse-sessions'

describe('the ledger of sessions of two replicas, after interruptions', () => {
  let world: Cluster
  beforeAll(async () => {
    world = await openCluster({ servers: 1, replicas: 2 })
  })
  afterAll(() => world[Symbol.asyncDispose]())

  const ledgers = () => world.replicas.map(({ gatehouse }) => gatehouse.living.ledger)
  async function session(name: string): Promise<Session> {
    const found = await eventually(() => {
      const each = ledgers().map(({ open }) => [...open].find(({ client }) => client.name === name))
      return each.every((one) => one !== undefined) && each
    }, 30_000)
    return found[0]!
  }

  it('makes a lost bucket anew, with what the replicas know, and what came meanwhile', async () => {
    await world.connectAs(ALICE, { name: 'before' })
    const before = await session('before')
    const manager = await jetstreamManager(await insideAuth(world))
    await manager.streams.delete(SESSIONS)
    await world.connectAs(ALICE, { name: 'meanwhile' })
    await Promise.all(world.replicas.map(({ gatehouse }) => gatehouse.living.reconciliation.all()))
    await session('meanwhile')
    for (const ledger of ledgers()) await ledger.settled()
    await using newcomer = await world.openReplica()
    const { open } = newcomer.gatehouse.living.ledger
    expect(open.get(sessionId(before))).toEqual(before)
    expect([...open].map(({ client }) => client.name)).toContain('meanwhile')
  })

  it('ends what was connected to a server that is gone, and goes on with the next', async () => {
    await world.connectAs(ALICE, { name: 'lost' })
    const lost = await session('lost')
    const first = world.servers[0]!
    await first.kill()
    await first.restart()
    await world.together()
    await eventually(() => world.connectAs(ALICE, { name: 'next' }).catch(() => undefined), 30_000)
    await session('next')
    const id = sessionId(lost)
    await eventually(() => ledgers().every(({ open }) => open.get(id) === undefined), 60_000)
    const audit = await auditOf(world)
    const ends = () =>
      audit.filter(
        ({ event }) => event.data['decisionId'] === lost.decision && event.data['reason'] !== undefined,
      )
    await eventually(() => ends().length > 0, 20_000)
    expect(ends().map(({ event }) => event.data['reason'])).toEqual([SERVER_GONE])
  })
})
