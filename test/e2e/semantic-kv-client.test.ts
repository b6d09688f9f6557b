import { StorageType } from '@nats-io/jetstream'
import { Bucket, Kvm, type KV, type KvWatchEntry } from '@nats-io/kv'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { failsRefused, owner, permitted, same } from '../support/permitted.ts'
import { openWorld, type World } from '../support/world.ts'

/** What the client of KV does, by a connection and its bucket. Throws when it gives something else than it should. */
type KvOperation = (kv: KV, root: KV, nc: NatsConnection) => Promise<unknown>

const options = { history: 5, storage: StorageType.Memory }

const read =
  (key: string, expected = key): KvOperation =>
  async (kv) =>
    same((await kv.get(key))?.string(), expected)

async function keysOf(found: Promise<AsyncIterable<string | { readonly key: string }>>): Promise<string[]> {
  const keys: string[] = []
  for await (const each of await found) keys.push(typeof each === 'string' ? each : each.key)
  return keys.sort()
}

/** Hears what is there, and what somebody else puts there then. */
const watch =
  (key: string | string[]): KvOperation =>
  async (kv, root) => {
    const heard: KvWatchEntry[] = []
    const watched = await kv.watch({ key })
    await root.put('a.x', 'later')
    for await (const entry of watched) {
      heard.push(entry)
      if (entry.string() === 'later') break
    }
    same(heard.at(-1)?.isUpdate, true)
  }

const OPERATIONS: Readonly<Record<string, KvOperation>> = {
  'open as create does': (_kv, _root, nc) => new Kvm(nc).create('config', options),
  'get a.x': read('a.x'),
  'get b.x': read('b.x'),
  'get without direct': async (_, root, nc) => read('b.x')(await new Kvm(nc).open('config'), root, nc),
  'get a revision': async (kv) => same((await kv.get('b.x', { revision: 3 }))?.string(), 'b.x'),
  'keys of a.>': async (kv) => same(await keysOf(kv.keys('a.>')), ['a.x', 'a.y']),
  'keys of b.>': async (kv) => same(await keysOf(kv.keys('b.>')), ['b.x']),
  keys: async (kv) => same(await keysOf(kv.keys()), ['a.x', 'a.y', 'b.x']),
  'history of a.x': async (kv) => same(await keysOf(kv.history({ key: 'a.x' })), ['a.x']),
  history: async (kv) => same((await keysOf(kv.history())).length, 5),
  'watch a.>': watch('a.>'),
  'watch all': watch('>'),
  'watch two patterns': watch(['a.>', 'b.>']),
  'put a.x': (kv) => kv.put('a.x', 'new'),
  'put b.x': (kv) => kv.put('b.x', 'new'),
  'create a.new': (kv) => kv.create('a.new', 'new'),
  'create b.new': (kv) => kv.create('b.new', 'new'),
  'create what was deleted': (kv) => kv.create('a.gone', 'back'),
  'update a.x': (kv) => kv.update('a.x', 'new', 1),
  'delete a.x': (kv) => kv.delete('a.x'),
  'purge a.x': (kv) => kv.purge('a.x'),
  'delete b.x': (kv) => kv.delete('b.x'),
  'delete a.>': (kv) => kv.delete('a.>'),
  'purge deletes': async (kv) => {
    if (kv instanceof Bucket) same((await kv.purgeDeletes(-10_000)).purged, 2)
    else throw new Error('is no bucket')
  },
  status: async (kv) => same((await kv.status()).values, 5),
  'destroy the bucket': (kv) => kv.destroy(),
  'create the bucket': async (_, root, nc) => {
    await root.destroy()
    return new Kvm(nc).create('config', options)
  },
  'buckets there are': async (_kv, _root, nc) => {
    for await (const status of new Kvm(nc).list()) same(status.bucket, 'config')
  },
}
const EVERY = Object.keys(OPERATIONS)

const OPEN = ['open as create does', 'status']
const GET = EVERY.filter((each) => each.startsWith('get'))
const WATCH = EVERY.filter((each) => /^(?:keys|history|watch)/.test(each))
const WRITE_A = ['put a.x', 'create a.new', 'update a.x', 'delete a.x', 'purge a.x']
const WRITE = [...WRITE_A, 'put b.x', 'create b.new', 'delete b.x']
const A = { kv: 'config', keys: ['a.>'] }

/** What somebody may, and what works then with the client; everything else is refused. */
const TABLE: readonly (readonly [readonly object[], readonly string[]])[] = [
  [[{ kv: 'config', may: ['read'] }], [...OPEN, ...GET]],
  [[{ kv: 'config', may: ['watch'] }], [...OPEN, ...WATCH]],
  [[{ kv: 'config', may: ['write'] }], [...OPEN, ...WRITE]],
  [[{ kv: 'config', may: ['manage'] }], [...OPEN, 'destroy the bucket', 'create the bucket']],
  [[{ kv: 'config', may: ['read', 'write'] }], [...OPEN, ...GET, ...WRITE, 'create what was deleted']],
  [[{ kv: 'config', may: ['watch', 'write'] }], [...OPEN, ...WATCH, ...WRITE, 'delete a.>']],
  [
    [{ kv: 'config', may: ['watch', 'manage'] }],
    [...OPEN, ...WATCH, 'purge deletes', 'destroy the bucket', 'create the bucket'],
  ],
  [
    [{ kv: 'config', may: ['read', 'write', 'watch', 'manage'] }],
    EVERY.filter((each) => each !== 'buckets there are'),
  ],
  [[{ ...A, may: ['read'] }], ['get a.x']],
  [[{ ...A, may: ['watch'] }], ['keys of a.>', 'history of a.x', 'watch a.>']],
  [[{ ...A, may: ['write'] }], WRITE_A],
  [
    [{ ...A, may: ['read', 'write', 'watch'] }],
    [
      'get a.x',
      'keys of a.>',
      'history of a.x',
      'watch a.>',
      ...WRITE_A,
      'create what was deleted',
      'delete a.>',
    ],
  ],
  [
    [
      { ...A, may: ['read'] },
      { stream: 'KV_config', may: ['view'] },
    ],
    [...OPEN, 'get a.x'],
  ],
]

describe.each([
  ['newest', newestServer],
  ['oldest', oldestServer],
])('the client of KV, on the %s nats-server', (_, server) => {
  let world: World
  let root: NatsConnection
  let bucket: KV
  beforeAll(async () => {
    world = await openWorld({ binary: await server() })
    root = await owner(world)
  })
  afterAll(() => world[Symbol.asyncDispose]())

  async function renew(): Promise<void> {
    const kvm = new Kvm(root)
    await (await kvm.open('config')).destroy().catch(() => undefined)
    bucket = await kvm.create('config', options)
    for (const key of ['a.x', 'a.y', 'b.x', 'a.gone']) await bucket.put(key, key)
    await bucket.delete('a.gone')
  }

  async function allowedTo(nc: NatsConnection): Promise<readonly string[]> {
    const allowed: string[] = []
    await renew()
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      const kv = await new Kvm(nc).open('config', { allow_direct: true })
      if (!(await failsRefused(nc, (nc) => operation(kv, bucket, nc)))) allowed.push(name)
      if (!/^(?:get|keys|history|open|status)/.test(name)) await renew()
    }
    return allowed
  }

  it('does all that is tried here for who may do everything', async () => {
    expect(await allowedTo(root)).toEqual(EVERY)
  })

  it.each(TABLE)('does with %j what that lets, and nothing else', async (allow, expected) => {
    const nc = await permitted(world, { allow })
    expect(await allowedTo(nc)).toEqual(EVERY.filter((each) => expected.includes(each)))
  })
})
