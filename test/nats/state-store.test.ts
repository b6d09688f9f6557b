import { jetstreamManager } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Write } from '../../src/admin/state-store.ts'
import { RevisionConflict } from '../../src/errors.ts'
import { STATE_PREFIX, STATE_STREAM } from '../../src/nats/buckets.ts'
import { KvStateStore } from '../../src/nats/state-store.ts'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { openWorld, type World } from '../support/world.ts'

let world: World
let store: KvStateStore
beforeAll(async () => {
  world = await openWorld()
  store = await KvStateStore.open(world.gatehouse.connection.nc)
})
afterAll(() => world[Symbol.asyncDispose]())

const write = (key: string, value: unknown, expected = 0): Write => ({ key: `test.${key}`, value, expected })
const read = async (key: string): Promise<unknown> => (await store.get(`test.${key}`)).value

async function lastSequence(): Promise<number> {
  const manager = await jetstreamManager(world.gatehouse.connection.nc)
  return (await manager.streams.info(STATE_STREAM)).state.last_seq
}

describe('a commit', () => {
  it('writes everything, and tells each revision', async () => {
    const revisions = await store.commit([write('one', { n: 1 }), write('two', 'text'), write('three', [3])])

    expect(await read('one')).toEqual({ n: 1 })
    expect(await read('two')).toBe('text')
    for (const key of ['test.one', 'test.two', 'test.three']) {
      expect((await store.get(key)).revision).toBe(revisions.get(key))
    }
    expect(new Set(revisions.values()).size).toBe(3)
  })

  it.each([0, 1, 2])('writes nothing when key %i of three has moved', async (moved) => {
    const name = `moved${moved}`
    await store.commit([write(`${name}.${moved}`, 'theirs')])
    const before = await lastSequence()

    await expect(
      store.commit([0, 1, 2].map((index) => write(`${name}.${index}`, 'ours'))),
    ).rejects.toBeInstanceOf(RevisionConflict)

    expect(await lastSequence()).toBe(before)
    for (const index of [0, 1, 2]) {
      expect(await read(`${name}.${index}`)).toBe(index === moved ? 'theirs' : undefined)
    }
  })

  it('of one key is one too', async () => {
    const [revision = 0] = (await store.commit([write('alone', 1)])).values()
    await expect(store.commit([write('alone', 2)])).rejects.toBeInstanceOf(RevisionConflict)
    await expect(store.commit([write('alone', 2, revision - 1)])).rejects.toBeInstanceOf(RevisionConflict)
    await store.commit([write('alone', 2, revision)])
    expect(await read('alone')).toBe(2)
  })

  it('deletes a value and keeps its revision, from which the key can be written again', async () => {
    const [first = 0] = (await store.commit([write('gone', 1)])).values()
    const [second = 0] = (await store.commit([write('gone', undefined, first)])).values()

    expect(await store.get('test.gone')).toEqual({ key: 'test.gone', value: undefined, revision: second })
    await expect(store.commit([write('gone', 2)])).rejects.toBeInstanceOf(RevisionConflict)
    await store.commit([write('gone', 2, second)])
    expect(await read('gone')).toBe(2)
  })

  it('is won by exactly one of twenty', async () => {
    const racing = Array.from({ length: 20 }, (_, n) =>
      store.commit([write(`own.${n}`, n), write('prize', n)]),
    )
    const outcomes = await Promise.allSettled(racing)

    const winners = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []))
    expect(winners).toHaveLength(1)
    expect(await read('prize')).toBe(winners[0])
    const own = await Promise.all(outcomes.map((_, n) => read(`own.${n}`)))
    expect(own.filter((value) => value !== undefined)).toEqual(winners)
  })

  it('is whole, however many come at once', async () => {
    const many = Array.from({ length: 200 }, (_, n) => store.commit([write(`a.${n}`, n), write(`b.${n}`, n)]))
    await Promise.all(many)
    const found = await Promise.all(many.map((_, n) => Promise.all([read(`a.${n}`), read(`b.${n}`)])))
    expect(found).toEqual(many.map((_, n) => [n, n]))
  })

  it('that is too large is refused before any of it is sent', async () => {
    const before = await lastSequence()
    const large = 'x'.repeat(world.gatehouse.connection.nc.info!.max_payload)
    const refused = store.commit([write('small', 1), write('large', large), write('other', 1)])
    await expect(refused).rejects.toMatchObject({ code: 'invalid_request' })
    expect(await lastSequence()).toBe(before)
    await store.commit([write('small', 1), write('other', 1)])
  })
})

describe.each([
  ['newest', newestServer],
  ['oldest', oldestServer],
])('what a commit holds without writing it, on the %s server', (_, binary) => {
  let other: World
  let store: KvStateStore
  beforeAll(async () => {
    other = await openWorld({ binary: await binary() })
    store = await KvStateStore.open(other.gatehouse.connection.nc)
  })
  afterAll(() => other[Symbol.asyncDispose]())

  const holding = (key: string, filter: string, revision: number): Write => ({
    key: `test.${key}`,
    value: 1,
    expected: { filter: `test.${filter}`, revision },
  })
  const put = async (key: string, value: unknown): Promise<number> => {
    const { revision } = await store.get(`test.${key}`)
    return (await store.commit([write(key, value, revision)])).get(`test.${key}`) ?? 0
  }

  it.each(['first', 'last'])('is another key, asked by the %s message', async (which) => {
    const held = await put(`held.${which}`, 1)
    const commit = (n: number, revision: number) => {
      const pair = [
        holding(`holder.${which}.${n}`, `held.${which}`, revision),
        write(`beside.${which}.${n}`, n),
      ]
      return store.commit(which === 'first' ? pair : pair.reverse())
    }
    await commit(1, held)
    await commit(2, held)
    const moved = await put(`held.${which}`, 2)
    await expect(commit(3, held)).rejects.toBeInstanceOf(RevisionConflict)
    await expect(commit(3, 0)).rejects.toBeInstanceOf(RevisionConflict)
    expect(await store.get(`test.beside.${which}.3`)).toMatchObject({ value: undefined, revision: 0 })
    await commit(3, moved)
    const deleted = await put(`held.${which}`, undefined)
    await expect(commit(4, moved)).rejects.toBeInstanceOf(RevisionConflict)
    await commit(4, deleted)
  })

  it.each(['*', '>', '*.*', 'a.*'])('is every key of a filter: %s', async (wildcard) => {
    const place = `filter${Buffer.from(wildcard).toString('hex')}`
    const filter = `${place}.${wildcard}`
    const key = wildcard.includes('.') ? `${place}.a.b` : `${place}.b`
    const commit = (n: number, revision: number) =>
      store.commit([
        holding(`${place}x.holder.${n}`, filter, revision),
        write(`${place}x.beside.${n}`, n),
        holding(`${place}x.other.${n}`, `${place}.none.>`, 0),
      ])
    await commit(1, 0)
    const first = await put(key, 1)
    await expect(commit(2, 0)).rejects.toBeInstanceOf(RevisionConflict)
    await commit(2, first)
    const last = await put(key, undefined)
    await expect(commit(3, first)).rejects.toBeInstanceOf(RevisionConflict)
    await commit(3, last)
    expect(await store.page(`test.${filter}`, { after: 0, limit: 1 })).toEqual({ entries: [], last })
  })

  it('keeps apart those who take away and those who lean on what is taken, however they race', async () => {
    const rounds = Array.from({ length: 40 }, async (_, n) => {
      const thing = await put(`thing.${n}`, 1)
      const outcomes = await Promise.allSettled([
        store.commit([holding(`use.${n}.a`, `thing.${n}`, thing), write(`user.${n}`, 1)]),
        store.commit([holding(`event.${n}`, `use.${n}.>`, 0), write(`thing.${n}`, undefined, thing)]),
      ])
      return outcomes.filter(({ status }) => status === 'fulfilled').length
    })
    expect(new Set(await Promise.all(rounds))).toEqual(new Set([1]))
  })

  it('is shared by twenty at once', async () => {
    const held = await put('shared', 1)
    const commits = Array.from({ length: 20 }, (_, n) =>
      store.commit([holding(`sharing.${n}`, 'shared', held), write(`sharer.${n}`, n)]),
    )
    await Promise.all(commits)
  })
})

describe('a key', () => {
  it('that was never written has no value and revision 0', async () => {
    expect(await store.get('test.never')).toEqual({ key: 'test.never', value: undefined, revision: 0 })
  })
})

describe('a filter is no key', () => {
  it.each(['test.*', 'test.>', '>', '*', 'test..one', '.one', 'one.', 'a b', ''])('%j', async (key) => {
    const before = await lastSequence()
    const refused: unknown = expect.objectContaining({ code: 'invalid_request' })
    await expect(store.get(key)).rejects.toEqual(refused)
    await expect(store.commit([write('beside', 1), { key, value: 1, expected: 0 }])).rejects.toEqual(refused)
    expect(await lastSequence()).toBe(before)
  })
})

describe('a page', () => {
  const put = async (key: string, value: unknown): Promise<number> => {
    const { revision } = await store.get(`test.${key}`)
    return (await store.commit([write(key, value, revision)])).get(`test.${key}`) ?? 0
  }

  it('has the keys of its filter that have a value, in the order of their changes', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await put(`page.${name}`, name)
    await put('page.b', 'changed')
    await put('page.c', undefined)
    const { entries } = await store.page('test.page.*', { after: 0, limit: 10 })
    expect(entries.map(({ key, value }) => [key, value])).toEqual([
      ['test.page.a', 'a'],
      ['test.page.d', 'd'],
      ['test.page.b', 'changed'],
    ])
    for (const { key, revision } of entries) expect((await store.get(key)).revision).toBe(revision)
  })

  it('goes on after what was deleted, and ends', async () => {
    for (let n = 0; n < 20; n += 1) await put(`holes.${n}`, n)
    for (let n = 2; n < 18; n += 1) await put(`holes.${n}`, undefined)
    const first = await store.page('test.holes.*', { after: 0, limit: 3 })
    expect(first.entries.map(({ value }) => value)).toEqual([0, 1, 18])
    const rest = await store.page('test.holes.*', { after: first.next!, limit: 3 })
    expect(rest).toMatchObject({ entries: [{ value: 19 }] })
    expect(rest.next).toBeUndefined()
    expect(await store.page('test.nothing.>', { after: 0, limit: 1 })).toEqual({ entries: [], last: 0 })
  })

  it('of large ones has few, and pages of them have them all', async () => {
    const large = 'x'.repeat(900_000)
    for (let n = 0; n < 100; n += 1) await put(`large.${n}`, `${n}${large}`)
    const found: unknown[] = []
    for (let from: number | undefined = 0; from !== undefined;) {
      const { entries, next } = await store.page('test.large.*', { after: from, limit: 200 })
      expect(entries.length).toBeLessThanOrEqual(1) // Each fills a page.
      found.push(...entries.map(({ value }) => parseInt(String(value), 10)))
      from = next
    }
    expect(found).toEqual(Array.from({ length: 100 }, (_, n) => n))
  })

  it('leaves nothing behind in the connection', async () => {
    const { nc } = world.gatehouse.connection
    const subscriptions = (): number =>
      (nc as unknown as { protocol: { subscriptions: { subs: Map<number, unknown> } } }).protocol
        .subscriptions.subs.size
    await store.page('test.>', { after: 0, limit: 1 })
    const before = subscriptions()
    for (let n = 0; n < 10; n += 1) await store.page('test.page.*', { after: 0, limit: 10 })
    expect(subscriptions()).toBe(before)
  })
})

it('says that it is busy while others hold every batch that the stream takes', async () => {
  const { nc } = world.gatehouse.connection
  for (let n = 0; n < 60; n += 1) {
    const head = headers()
    head.set('Nats-Batch-Id', `unfinished-${n}`)
    head.set('Nats-Batch-Sequence', '1')
    nc.publish(`${STATE_PREFIX}test.unfinished.${n}`, 'x', { headers: head })
  }
  const busy: unknown = expect.objectContaining({ code: 'busy' })
  await expect(store.commit([write('crowded', 1)])).rejects.toEqual(busy)
  await expect(store.commit([write('crowded', 1), write('too', 1)])).rejects.toEqual(busy)
  expect(await read('crowded')).toBeUndefined()
})

it('says so when there is no JetStream to ask', async () => {
  await using gone = await openWorld()
  const { store } = gone.gatehouse.admin
  await gone.server[Symbol.asyncDispose]()
  const unavailable: unknown = expect.objectContaining({ name: 'GatehouseError', code: 'unavailable' })
  await Promise.all([
    expect(store.get('operator')).rejects.toEqual(unavailable),
    expect(store.commit([write('lost', 1)])).rejects.toEqual(unavailable),
    expect(store.page('test.>', { after: 0, limit: 1 })).rejects.toEqual(unavailable),
  ])
})
