import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allowedSubjects, deniedSubjects, type SemanticPermission } from '../../src/domain/semantic.ts'
import { startServer, type ServerProcess } from '../../src/nats/server-process.ts'
import { newestServer } from '../support/binaries.ts'
import { eventually } from '../support/eventually.ts'
import { api, ask, isRefused } from '../support/permitted.ts'
import { temporaryFolder, type Folder } from '../support/programs.ts'

const READER: readonly SemanticPermission[] = [
  { stream: 'ORDERS', may: ['read'], domain: 'hub' },
  { consumer: 'workers', stream: 'ORDERS', may: ['use'], domain: 'hub' },
]
const WRITER: readonly SemanticPermission[] = [
  { kv: 'config', may: ['write', 'read'], keys: ['a.>'], domain: 'hub' },
]
const DENY: SemanticPermission = { stream: 'ORDERS', may: ['manage'] }

const UNHEARD: SemanticPermission = { kv: 'config', may: ['read'] }

const allowed = (all: readonly SemanticPermission[]): object => ({
  publish: { allow: all.flatMap((each) => allowedSubjects(each).publish) },
  subscribe: { allow: ['_INBOX.>'] },
})
const USERS = [
  { user: 'root', password: 'x' },
  { user: 'reader', password: 'x', permissions: allowed(READER) },
  { user: 'writer', password: 'x', permissions: allowed(WRITER) },
  {
    user: 'unhearing',
    password: 'x',
    permissions: { subscribe: { deny: deniedSubjects(UNHEARD).subscribe } },
  },
  { user: 'denied', password: 'x', permissions: { publish: { deny: deniedSubjects(DENY).publish } } },
]

let folder: Folder
let hub: ServerProcess
let leaf: ServerProcess
const clients: NatsConnection[] = []

async function start(name: string, config: object, log: (line: string) => void): Promise<ServerProcess> {
  const configFile = join(folder.path, `${name}.conf`)
  const jetstream = { domain: name, store_dir: join(folder.path, name) }
  await writeFile(
    configFile,
    JSON.stringify({ server_name: name, listen: '127.0.0.1:-1', jetstream, ...config }),
  )
  const portsDir = join(folder.path, `${name}-ports`)
  return startServer({ binary: await newestServer(), configFile, env: {}, portsDir, log })
}

const as = async (user: string, at: ServerProcess = leaf): Promise<NatsConnection> => {
  const nc = await connect({ servers: at.url, user, pass: 'x', reconnect: false })
  clients.push(nc)
  return nc
}

beforeAll(async () => {
  folder = await temporaryFolder()
  let port = ''
  const authorization = { users: USERS }
  hub = await start('hub', { authorization, leafnodes: { listen: '127.0.0.1:-1' } }, (line) => {
    port ||= /leafnode connections on \S+?:(\d+)/.exec(line)?.[1] ?? ''
  })
  const root = await as('root', hub)
  const jsm = await jetstreamManager(root)
  const memory = { storage: StorageType.Memory, allow_direct: true }
  await jsm.streams.add({ name: 'ORDERS', subjects: ['orders.>'], ...memory })
  await jsm.streams.add({ name: 'KV_config', subjects: ['$KV.config.>'], ...memory })
  await jsm.consumers.add('ORDERS', { durable_name: 'workers', ack_policy: 'explicit' })
  await jetstream(root).publish('orders.a', 'hello')
  await eventually(() => port !== '')
  const remotes = [{ url: `nats://root:x@127.0.0.1:${port}` }]
  leaf = await start('leaf', { authorization, leafnodes: { remotes } }, () => undefined)
  const there = await as('root')
  await eventually(() =>
    api(there, '$JS.hub.API.INFO').then(
      () => true,
      () => false,
    ),
  )
})
afterAll(async () => {
  for (const nc of clients) await nc.close()
  await leaf[Symbol.asyncDispose]()
  await hub[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

describe('in a domain that is reached over a leaf node', () => {
  it('a stream is read and a consumer used through the API of the domain, and through no other', async () => {
    const nc = await as('reader')
    const js = jetstream(nc, { domain: 'hub' })
    const pushed = await (await js.consumers.getPushConsumer('ORDERS')).consume()
    for await (const message of pushed) {
      expect(message.string()).toBe('hello')
      break
    }
    const message = await (await js.consumers.get('ORDERS', 'workers')).next({ expires: 5_000 })
    expect(message?.subject).toBe('orders.a')
    expect(await message?.ackAck()).toBe(true)
    const jsm = await jetstreamManager(nc, { domain: 'hub' })
    expect((await jsm.direct.getMessage('ORDERS', { seq: 1 }))?.string()).toBe('hello')
    for (const place of ['$JS.API', '$JS.other.API'])
      expect(await isRefused(nc, (nc) => api(nc, `${place}.STREAM.INFO.ORDERS`))).toBe(true)
  })

  it('keys are written through it, and nowhere else', async () => {
    const nc = await as('writer')
    await api(nc, '$JS.hub.API.$KV.config.a.x', 'value')
    const found = await ask(nc, '$JS.hub.API.DIRECT.GET.KV_config.$KV.config.a.x')
    expect(found.string()).toBe('value')
    for (const subject of ['$KV.config.a.x', '$JS.hub.API.$KV.config.b.x'])
      expect(await isRefused(nc, (nc) => api(nc, subject, 'value'))).toBe(true)
  })

  it('a deny that names none holds in it too', async () => {
    const nc = await as('denied')
    for (const place of ['$JS.API', '$JS.hub.API'])
      expect(await isRefused(nc, (nc) => ask(nc, `${place}.STREAM.PURGE.ORDERS`))).toBe(true)
    expect(await isRefused(nc, (nc) => api(nc, '$JS.hub.API.STREAM.INFO.ORDERS'))).toBe(false)
  })
})

it('a deny of reading a bucket keeps from hearing what is put, wherever it is put', async () => {
  const [nc, root] = [await as('unhearing'), await as('root')]
  const heard = { nc: [] as string[], root: [] as string[] }
  for (const [name, client] of [
    ['nc', nc],
    ['root', root],
  ] as const) {
    client.subscribe('>', { callback: (_error, message) => void heard[name].push(message.subject) })
    await client.flush()
  }
  const subjects = ['$JS.hub.API.$KV.config.a.x', '$KV.config.a.x', 'end']
  for (const subject of subjects) root.publish(subject, 'value')
  await eventually(() => heard.nc.includes('end') && heard.root.includes('end'))
  expect(heard.root).toEqual(expect.arrayContaining(subjects))
  expect(heard.nc.filter((subject) => subject.includes('$KV'))).toEqual([])
})

describe('a server of the domain itself', () => {
  it('holds requests to what is said of $JS.API, whichever name of it they use', async () => {
    const nc = await as('reader', hub)
    const subjects: string[] = []
    void (async () => {
      for await (const status of nc.status())
        if (status.type === 'error' && 'subject' in status.error) subjects.push(String(status.error.subject))
    })()
    nc.publish('$JS.hub.API.STREAM.INFO.ORDERS')
    await nc.flush()
    await eventually(() => subjects.length > 0)
    expect(subjects).toEqual(['$JS.API.STREAM.INFO.ORDERS'])
  })
})
