import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GatehouseError } from '../../src/errors.ts'
import { Evictor, type EvictorOptions } from '../../src/sessions/evictor.ts'
import type { Cause } from '../../src/sessions/kicking.ts'
import { Pace } from '../../src/sessions/pace.ts'
import type { Session } from '../../src/sessions/session.ts'
import { Tally } from '../../src/sessions/tally.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'
import { aSession } from './sessions.ts'

const cause: Cause = { reason: 'command' }
const sessions = (count: number): readonly Session[] =>
  Array.from({ length: count }, (_, n) => aSession({ cid: n + 1 }))

/** An evictor whose servers answer as they are told, and what it told. */
function evictorOf(more: Partial<EvictorOptions> = {}) {
  const kicked: number[] = []
  const gone: number[] = []
  const errors: unknown[] = []
  const evictor = new Evictor({
    kicking: { kick: () => Promise.resolve('kicked') },
    pace: { perSecond: 1_000_000, spreadMs: 0 },
    replicas: () => 1,
    isOpen: () => true,
    nowMs: Date.now,
    onKicked: ({ cid }) => void kicked.push(cid),
    onGone: ({ cid }) => void gone.push(cid),
    onError: (error) => void errors.push(error),
    ...more,
  })
  return { evictor, kicked, gone, errors }
}

describe('an evictor', () => {
  it('ends each session once, and tells what was done', async () => {
    const { evictor, kicked } = evictorOf()
    const all = sessions(100)
    expect(await evictor.evict([...all, ...all], cause)).toEqual({ affected: 100, kicked: 100, left: 0 })
    expect(kicked.toSorted((a, b) => a - b)).toEqual(all.map(({ cid }) => cid))
  })

  it('counts what was closed already as ended, and tells nobody that it did it', async () => {
    const { evictor, kicked, gone } = evictorOf({ kicking: { kick: () => Promise.resolve('gone') } })
    expect(await evictor.evict(sessions(1), cause)).toEqual({ affected: 1, kicked: 1, left: 0 })
    expect([kicked, gone]).toEqual([[], [1]])
  })

  it('asks a server that does not answer again, while the session is there', async () => {
    let asked = 0
    const { evictor, kicked, errors } = evictorOf({
      kicking: {
        kick() {
          asked += 1
          if (asked > 1) return Promise.resolve('kicked')
          return Promise.reject(new GatehouseError('unavailable', 'the server does not answer'))
        },
      },
    })
    await evictor.evict(sessions(1), cause)
    expect([kicked, errors.length]).toEqual([[1], 1])
  })

  it('lets nobody wait for a server that hangs but those who are there', async () => {
    const { evictor, kicked } = evictorOf({
      kicking: {
        kick: ({ server }) => (server === 'HANGS' ? new Promise(() => undefined) : Promise.resolve('kicked')),
      },
    })
    const at = (server: string, from: number): readonly Session[] =>
      Array.from({ length: 100 }, (_, n) => aSession({ server, cid: from + n }))
    const tally = new Tally()
    for (const session of at('HANGS', 0)) evictor.end(session, { cause, lane: 'now', tally: new Tally() })
    for (const session of at('PACED', 1_000)) evictor.end(session, { cause, lane: 'paced', tally })
    for (const session of at('NOW', 2_000)) evictor.end(session, { cause, lane: 'now', tally })
    await tally.over()
    expect(kicked).toHaveLength(200)
  })

  it('asks no more for a session that is over', async () => {
    const { evictor, gone } = evictorOf({
      isOpen: () => false,
      kicking: { kick: () => Promise.reject(new GatehouseError('unavailable', 'nobody there')) },
    })
    expect(await evictor.evict(sessions(1), cause)).toEqual({ affected: 1, kicked: 1, left: 0 })
    expect(gone).toEqual([1])
  })

  it('asks again for a leaf node that its server may not know yet', async () => {
    const since = new Date().toISOString()
    let asked = 0
    const { evictor, kicked } = evictorOf({
      kicking: { kick: () => Promise.resolve((asked += 1) > 1 ? 'kicked' : 'gone') },
    })
    await evictor.evict([aSession({ since, client: { kind: 'Leafnode' } })], cause)
    expect(kicked).toHaveLength(1)
  })

  it('ends what must not be before what comes back, whatever came first', async () => {
    const { evictor, kicked } = evictorOf({ pace: { perSecond: 50, spreadMs: 0 } })
    const tally = new Tally()
    for (const session of sessions(20)) evictor.end(session, { cause, lane: 'paced', tally })
    for (const cid of [101, 102, 20]) evictor.end(aSession({ cid }), { cause, lane: 'now', tally })
    await tally.over()
    const first = kicked.slice(0, 10)
    expect(first).toEqual(expect.arrayContaining([101, 102, 20]))
    expect(tally.report).toEqual({ affected: 22, kicked: 22, left: 0 })
  })

  it('spares what a change is to end no more, and not what somebody wishes', async () => {
    const { evictor, kicked } = evictorOf({ pace: { perSecond: 20, spreadMs: 0 } })
    const tally = new Tally()
    const all = sessions(10)
    for (const session of all) evictor.end(session, { cause, lane: 'paced', tally })
    const wish = evictor.evict(all.slice(8, 9), cause)
    for (const session of all) evictor.spare(session)
    expect(await wish).toEqual({ affected: 1, kicked: 1, left: 0 })
    expect(kicked).toContain(9)
    expect(kicked.length).toBeLessThan(9)
    expect(tally.report).toEqual({ affected: kicked.length, kicked: kicked.length, left: 0 })
  })

  it('leaves what is left to others when it is closed', () => {
    const { evictor, kicked } = evictorOf()
    evictor[Symbol.dispose]()
    evictor.end(aSession(), { cause, lane: 'now', tally: new Tally() })
    expect(kicked).toEqual([])
  })
})

describe('the pace', () => {
  /** When each of so many that wait together is ended, in milliseconds. */
  function endings(count: number, { replicas = 1, perSecond = 100, spreadMs = 0 } = {}): readonly number[] {
    const pace = new Pace({ perSecond, spreadMs })
    for (let n = 0; n < count; n += 1) pace.waits()
    let nowMs = 1_000_000
    return Array.from({ length: count }, (_, n) => {
      nowMs += pace.leftMs(nowMs)
      pace.ends(nowMs, { replicas, waiting: count - n - 1 })
      return nowMs - 1_000_000
    })
  }

  it('ends the first at once', () => {
    expect(endings(1)).toEqual([0])
  })

  it('keeps to the rate, of which each replica has its part', () => {
    expect(endings(1_001).at(-1)).toBeCloseTo(10_000, -3)
    expect(endings(1_001, { replicas: 3 }).at(-1)).toBeCloseTo(30_000, -3)
  })

  it('spreads those who are too few for the rate', () => {
    expect(endings(11, { spreadMs: 60_000 }).at(-1)).toBeCloseTo((10 * 60_000) / 11, -3)
    expect(endings(1_001, { spreadMs: 1_000 }).at(-1)).toBeCloseTo(10_000, -3)
  })

  it('starts anew after a pause', () => {
    const pace = new Pace({ perSecond: 1, spreadMs: 60_000 })
    pace.waits()
    pace.ends(1_000_000, { replicas: 1, waiting: 0 })
    expect(pace.leftMs(1_002_000)).toBe(0)
  })
})

describe('evictions', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
  })
  afterAll(() => world[Symbol.asyncDispose]())

  it('close the connections they are about, and no others', async () => {
    const { ledger, evictions } = world.gatehouse.living
    const [nc, other] = [
      await world.connectAs('alice@example.com'),
      await world.connectAs('alice@example.com'),
    ]
    const of = (cid: number | undefined) => [...ledger.open].filter((session) => session.cid === cid)
    const session = await eventually(() => of(nc.info?.client_id)[0])
    expect(await evictions.evict([session], cause)).toEqual({ affected: 1, kicked: 1, left: 0 })
    await nc.closed()
    await other.flush()
    expect(await evictions.evict([session], cause)).toEqual({ affected: 1, kicked: 1, left: 0 })
    await eventually(() => of(nc.info?.client_id).length === 0)
    expect(of(other.info?.client_id)).toHaveLength(1)
  })
})
