import { StorageType } from '@nats-io/jetstream'
import { Objm, type ObjectStore } from '@nats-io/obj'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { failsRefused, owner, permitted, same } from '../support/permitted.ts'
import { openWorld, type World } from '../support/world.ts'

/** What the client of object stores does, beside who may do everything. Throws when it gives something else. */
type ObjectOperation = (nc: NatsConnection, root: ObjectStore) => Promise<unknown>

const options = { storage: StorageType.Memory }
/** Of several parts. */
const LARGE = Buffer.alloc(900_000, 'large')

const opened = (nc: NatsConnection): Promise<ObjectStore> => new Objm(nc).open('files')
const inStore =
  (operation: (store: ObjectStore, root: ObjectStore) => Promise<unknown>): ObjectOperation =>
  async (nc, root) =>
    operation(await opened(nc), root)

const OPERATIONS: Readonly<Record<string, ObjectOperation>> = {
  open: opened,
  'open as create does': (nc) => new Objm(nc).create('files', { ...options }),
  status: inStore(async (store) => same((await store.status()).bucket, 'files')),
  info: inStore(async (store) => same((await store.info('one'))?.size, LARGE.length)),
  get: inStore(async (store) => same(Buffer.from((await store.getBlob('one')) ?? []).equals(LARGE), true)),
  'get by a link': inStore(async (store) => same((await store.getBlob('link'))?.length, LARGE.length)),
  list: inStore(async (store) => same((await store.list()).map(({ name }) => name).sort(), ['link', 'one'])),
  watch: inStore(async (store, root) => {
    const watched = await store.watch()
    await root.putBlob({ name: 'later' }, Buffer.from('later'))
    const names: string[] = []
    for await (const { name } of watched) {
      names.push(name)
      break
    }
    same(names, ['later'])
  }),
  put: inStore((store) => store.putBlob({ name: 'new' }, Buffer.from('new'))),
  replace: inStore(async (store, root) => {
    await store.putBlob({ name: 'one' }, Buffer.from('new'))
    same((await root.status()).size < LARGE.length, true) // The parts that were there are gone.
  }),
  rename: inStore(async (store, root) => {
    await store.update('one', { name: 'two' })
    same((await root.list()).map(({ name }) => name).sort(), ['link', 'two'])
  }),
  link: inStore(async (store, root) => {
    const info = await root.info('one')
    if (info === null) throw new Error('one is gone')
    return store.link('another', info)
  }),
  delete: inStore(async (store) => same((await store.delete('one')).success, true)),
  seal: inStore(async (store) => same((await store.seal()).sealed, true)),
  destroy: inStore((store) => store.destroy()),
  create: async (nc, root) => {
    await root.destroy()
    return new Objm(nc).create('files', { ...options })
  },
  'stores there are': async (nc) => {
    for await (const status of new Objm(nc).list()) same(status.bucket, 'files')
  },
}
const EVERY = Object.keys(OPERATIONS)

const OPEN = ['open', 'open as create does', 'status']
const GET = ['info', 'get', 'get by a link']
const CHANGE = ['put', 'replace', 'rename', 'link', 'delete']

/** What somebody may, and what works then with the client; everything else is refused. */
const TABLE: readonly (readonly [readonly string[], readonly string[]])[] = [
  [['read'], [...OPEN, ...GET]],
  // This client looks something up by STREAM.MSG.GET before it watches and before it writes, and that is reading.
  [['watch'], OPEN],
  [['write'], OPEN],
  [['watch', 'write'], OPEN],
  [
    ['read', 'watch'],
    [...OPEN, ...GET, 'list', 'watch'],
  ],
  [
    ['read', 'write'],
    [...OPEN, ...GET, ...CHANGE],
  ],
  [['manage'], [...OPEN, 'seal', 'destroy', 'create']],
  [['read', 'watch', 'write', 'manage'], EVERY.filter((each) => each !== 'stores there are')],
]

describe.each([
  ['newest', newestServer],
  ['oldest', oldestServer],
])('the client of object stores, on the %s nats-server', (_, server) => {
  let world: World
  let root: NatsConnection
  let store: ObjectStore
  beforeAll(async () => {
    world = await openWorld({ binary: await server() })
    root = await owner(world)
  })
  afterAll(() => world[Symbol.asyncDispose]())

  async function renew(): Promise<void> {
    const objm = new Objm(root)
    const was = await objm.open('files', false)
    await was.destroy().catch(() => undefined)
    store = await objm.create('files', { ...options })
    const info = await store.putBlob({ name: 'one' }, LARGE)
    await store.link('link', info)
  }

  async function allowedTo(nc: NatsConnection): Promise<readonly string[]> {
    const allowed: string[] = []
    await renew()
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      const isRefused = await failsRefused(nc, (nc) => operation(nc, store))
      if (!isRefused) allowed.push(name)
      if (!isRefused ? !/^(?:open|status|info|get|list)/.test(name) : name === 'create') await renew()
    }
    return allowed
  }

  it('does all that is tried here for who may do everything', async () => {
    expect(await allowedTo(root)).toEqual(EVERY)
  })

  it.each(TABLE)('does with %j what that lets, and nothing else', async (may, expected) => {
    const nc = await permitted(world, { allow: [{ object: 'files', may }] })
    expect(await allowedTo(nc)).toEqual(EVERY.filter((each) => expected.includes(each)))
  })
})
