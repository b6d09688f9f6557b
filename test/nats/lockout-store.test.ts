import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FAMILIAR_MAX } from '../../src/callout/familiar-sources.ts'
import type { FamiliarSource, Lockout } from '../../src/domain/lockout.ts'
import { LockoutStore } from '../../src/nats/lockout-store.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, type World } from '../support/world.ts'

const ACCOUNT = `A${'B'.repeat(55)}`
const NOW_MS = 1_800_000_000_000

let world: World
beforeAll(async () => {
  world = await openWorld()
})
afterAll(() => world[Symbol.asyncDispose]())

const lockout = (user: string, facts: Partial<Lockout> = {}): Lockout => ({
  account: ACCOUNT,
  user,
  name: user,
  source: '2001:db8::/64',
  failures: 5,
  sinceMs: NOW_MS,
  untilMs: NOW_MS + 900_000,
  ...facts,
})

/** A store, what it was the first to keep, and what it heard of. */
async function open(nowMs = () => NOW_MS) {
  const stored: Lockout[] = []
  const lost: unknown[] = []
  const { nc } = world.gatehouse.connection
  const store = await LockoutStore.open(nc, {
    nowMs,
    onStored: (each) => stored.push(each),
    onLost: (error) => lost.push(error),
  })
  const held = new Map<string, Lockout>()
  const familiar = new Map<string, readonly FamiliarSource[]>()
  await store.tell({
    held: (each) => held.set(`${each.user} ${each.source ?? ''}`, each),
    released: (user, source = '') => held.delete(`${user} ${source}`),
    familiar: (user, sources) => familiar.set(user, sources),
  })
  return { store, stored, lost, held, familiar, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
}

describe('a lockout that is kept', () => {
  it('is one, whoever else decides it at the same time, and all hear of that one', async () => {
    await using first = await open()
    await using second = await open()
    for (const { store } of [first, second, first]) store.lockedOut(lockout('ann'))
    second.store.lockedOut(lockout('ann', { failures: 6 }))
    await eventually(() => first.stored.length + second.stored.length > 0)
    for (const each of [first, second]) await eventually(() => each.held.has('ann 2001:db8::/64'))
    await Promise.all([first, second].map(({ store }) => store[Symbol.asyncDispose]()))

    const all = [...first.stored, ...second.stored]
    expect(all).toHaveLength(1)
    expect([first.held.get('ann 2001:db8::/64'), first.lost, second.lost]).toEqual([all[0], [], []])
    await using third = await open() // It came later, and knows.
    expect(third.held.get('ann 2001:db8::/64')).toEqual(all[0])
  })

  it('can be kept again once it was released, or is over', async () => {
    let nowMs = NOW_MS
    await using one = await open(() => nowMs)
    const keep = async (count: number): Promise<void> => {
      one.store.lockedOut(lockout('ben', { sinceMs: nowMs, untilMs: nowMs + 1_000 }))
      await eventually(() => one.stored.length === count)
    }
    await keep(1)
    await eventually(() => one.held.size > 0)
    await one.store.release({ account: ACCOUNT, user: 'ben' }, ['2001:db8::/64'])
    await eventually(() => !one.held.has('ben 2001:db8::/64'))
    await keep(2)
    nowMs += 1_000
    await keep(3)
  })

  it('is found by account and user, as long as it is in force, a page at a time', async () => {
    let nowMs = NOW_MS
    await using one = await open(() => nowMs)
    const sources = ['10.0.0.1', undefined, '10.0.0.2']
    for (const [n, source] of sources.entries()) {
      one.store.lockedOut(lockout('cid', { source, untilMs: NOW_MS + 60_000 * (n + 1) }))
      await eventually(() => one.stored.length === n + 1)
    }
    const found = async (place = { after: 0, limit: 10 }) =>
      one.store.page({ account: ACCOUNT, user: 'cid' }, place)
    expect((await found()).lockouts.map(({ source }) => source)).toEqual(sources)
    const { lockouts, next = 0 } = await found({ after: 0, limit: 2 })
    expect(lockouts.map(({ source }) => source)).toEqual(sources.slice(0, 2))
    expect((await found({ after: next, limit: 2 })).lockouts.map(({ source }) => source)).toEqual([
      '10.0.0.2',
    ])
    expect(
      (await one.store.page({ account: ACCOUNT, user: 'nobody' }, { after: 0, limit: 1 })).lockouts,
    ).toEqual([])
    nowMs += 60_000
    expect((await found()).lockouts.map(({ source }) => source)).toEqual([undefined, '10.0.0.2'])
  })
})

it('tells every replica where users are at home', async () => {
  await using first = await open()
  await using second = await open()
  const sources = Array.from({ length: FAMILIAR_MAX }, (_, n) => ({ source: `10.0.0.${n}`, atMs: NOW_MS }))
  first.store.familiar({ account: ACCOUNT, user: 'dan', name: 'dan' }, sources)
  await eventually(() => second.familiar.has('dan'))
  await using third = await open()
  for (const { familiar } of [first, second, third]) expect(familiar.get('dan')).toEqual(sources)
})
