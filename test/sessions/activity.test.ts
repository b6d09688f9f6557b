import fc from 'fast-check'
import { tokenAuthenticator } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Activity, later, type LastSeen } from '../../src/sessions/activity.ts'
import { ask } from '../admin/bus.ts'
import { createUser } from '../support/clients.ts'
import { openCluster, type Cluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { aSession } from './sessions.ts'

const SINCE = '2027-01-31T12:00:00.000Z'
const nowMs = (): number => Date.parse(SINCE)

class Shelf {
  readonly kept = new Map<string, LastSeen>()
  puts = 0
  get(account: string, user: string): Promise<LastSeen | undefined> {
    return Promise.resolve(this.kept.get(`${account}.${user}`))
  }
  put(account: string, user: string, seen: LastSeen): void {
    this.puts += 1
    this.kept.set(`${account}.${user}`, seen)
  }
  remove(account: string, user: string): void {
    this.kept.delete(`${account}.${user}`)
  }
}

function activityOf(shelf: Shelf, owns = true): Activity {
  const onError = (error: unknown): void => expect.unreachable(String(error))
  return new Activity({ shelf, owns: () => owns, nowMs, onError, everyMs: 3_600_000 })
}

describe('when users were last seen', () => {
  const { account, user } = aSession()

  it('is written once for a hundred sessions', async () => {
    const shelf = new Shelf()
    await using activity = activityOf(shelf)
    for (let n = 0; n < 100; n += 1) {
      const since = new Date(nowMs() - n * 100).toISOString()
      activity.began(aSession({ cid: n, since, credential: n === 7 ? 'other' : 'one' }))
    }
    expect(await activity.of(account, user)).toMatchObject({ active: SINCE })
    await activity.write()
    expect(shelf.puts).toBe(1)
    const used = { one: SINCE, other: new Date(nowMs() - 700).toISOString() }
    expect(shelf.kept.get(`${account}.${user}`)).toEqual({ active: SINCE, used })
  })

  it('is written by the replica that the user falls to', async () => {
    const shelf = new Shelf()
    await using activity = activityOf(shelf, false)
    activity.began(aSession({ since: SINCE }))
    await activity.write()
    expect(shelf.puts).toBe(0)
  })

  it('goes with the user', async () => {
    const shelf = new Shelf()
    await using activity = activityOf(shelf)
    activity.began(aSession({ since: SINCE }))
    await activity.write()
    activity.deleted(account, user)
    activity.ended(aSession(), { reason: 'Kicked', at: SINCE })
    await activity.write()
    expect(shelf.kept.size).toBe(0)
  })

  it('only ever moves on', () => {
    const moment = fc.date({ min: new Date(0), max: new Date(nowMs()), noInvalidDate: true })
    const at = moment.map((date) => date.toISOString())
    const seen = fc.record({ active: at, used: fc.dictionary(fc.constantFrom('a', 'b', 'c'), at) })
    fc.assert(
      fc.property(seen, seen, (one, other) => {
        const both = later(one, other)
        expect(both).toEqual(later(other, one))
        expect(later(both, one)).toEqual(both)
        expect([one.active, other.active]).toContain(both.active)
        expect(both.active! >= one.active && both.active! >= other.active).toBe(true)
      }),
    )
  })
})

describe('user.get', () => {
  let world: Cluster
  beforeAll(async () => {
    world = await openCluster({ servers: 1, replicas: 2 })
  })
  afterAll(() => world[Symbol.asyncDispose]())

  it('tells of a session, of its end, and of both to a replica that comes later', async () => {
    const admin = await world.connectAs('admin')
    const token = await createUser(admin, 'ORDERS', { name: 'carol' })
    const payload = { account: 'ORDERS', user: 'carol' }
    interface Seen {
      readonly id: string
      readonly lastActive?: string
      readonly credentials: readonly { readonly lastUsed?: string }[]
    }
    const seen = async (): Promise<Seen> =>
      (await ask(admin, { command: 'user.get', payload })).body['user'] as Seen
    expect((await seen()).lastActive).toBeUndefined()
    expect((await seen()).credentials[0]?.lastUsed).toBeUndefined()

    const nc = await world.connect({ authenticator: tokenAuthenticator(token) })
    const { lastActive = '', credentials, id } = await seen()
    const { lastUsed = '' } = credentials[0]!
    expect(lastUsed <= lastActive && lastUsed !== '').toBe(true)
    await eventually(async () => (await seen()).lastActive! > lastActive) // It is here now.
    await nc.close()
    const open = () => world.replicas.flatMap(({ gatehouse }) => gatehouse.living.ledger.open.ofUser(id))
    await eventually(() => open().length === 0)
    const end = (await seen()).lastActive!
    await eventually(() => new Date().toISOString() > end)
    expect((await seen()).lastActive).toBe(end)

    const listed = await ask(admin, { command: 'user.list', payload: { account: 'ORDERS' } })
    const items = listed.body['items'] as readonly (Seen & { readonly name: string })[]
    expect(items.find(({ name }) => name === 'carol')).toMatchObject({ lastActive: end })

    const { account } =
      world.heard.admitted.find(({ user }) => user.name === 'carol') ??
      world.replicas[1]!.heard.admitted.find(({ user }) => user.name === 'carol')!
    for (const replica of world.replicas) await replica[Symbol.asyncDispose]() // What waits is written.
    const later = await world.openReplica()
    expect(await later.gatehouse.living.lastSeen(account.id, id)).toMatchObject({ active: end })
  })
})
