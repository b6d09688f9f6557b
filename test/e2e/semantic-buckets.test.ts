import { jetstreamManager, StorageType } from '@nats-io/jetstream'
import { headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, ask, isRefused, owner, permitted, type Operation } from '../support/permitted.ts'
import { openWorld, type World } from '../support/world.ts'

const KV = 'KV_config'
const OBJ = 'OBJ_files'
let world: World
let root: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  root = await owner(world)
})
afterAll(() => world[Symbol.asyncDispose]())

const bucket = {
  name: KV,
  subjects: ['$KV.config.>'],
  allow_direct: true,
  allow_rollup_hdrs: true,
  max_msgs_per_subject: 5,
}
const objects = {
  name: OBJ,
  subjects: ['$O.files.C.>', '$O.files.M.>'],
  allow_direct: true,
  allow_rollup_hdrs: true,
}

/** Both buckets with something in them, as new. */
async function renew(): Promise<void> {
  const jsm = await jetstreamManager(root)
  const storage = StorageType.Memory
  for (const name of [KV, OBJ, 'MIRROR']) await jsm.streams.delete(name).catch(() => undefined)
  await jsm.streams.add({ ...bucket, storage })
  await jsm.streams.add({ ...objects, storage })
  for (const key of ['a.x', 'b.x', 'a.x.y']) await api(root, `$KV.config.${key}`, `of ${key}`)
  await api(root, '$O.files.C.n1', 'part')
  await api(root, '$O.files.M.bmFtZQ==', '{"name":"name"}')
}

const js =
  (subject: string, body?: unknown): Operation =>
  (nc) =>
    api(nc, `$JS.API.${subject}`, body)
const watch = (stream: string, filter: string): Operation =>
  js(`CONSUMER.CREATE.${stream}.w1.${filter}`, {
    stream_name: stream,
    config: {
      name: 'w1',
      deliver_subject: '_INBOX.w',
      filter_subject: filter,
      flow_control: true,
      idle_heartbeat: 5e9,
    },
  })
/** The form in which a filter is in the body alone: of several, and of old clients. */
const watchInBody = (stream: string, subject: string, filters: readonly string[]): Operation =>
  js(`CONSUMER.CREATE.${stream}${subject}`, {
    stream_name: stream,
    config: { name: 'w1', deliver_subject: '_INBOX.w', filter_subjects: filters },
  })
const put =
  (subject: string): Operation =>
  (nc) =>
    api(nc, subject, 'new')

const hear =
  (subject: string): Operation =>
  async (nc) => {
    const refused: Error[] = []
    const subscription = nc.subscribe(subject, {
      callback: (error) => {
        if (error !== null) refused.push(error)
      },
    })
    await nc.flush()
    subscription.unsubscribe()
    for (const error of refused) throw error
  }

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'get a.x': js(`DIRECT.GET.${KV}.$KV.config.a.x`),
  'get a.x.y': js(`DIRECT.GET.${KV}.$KV.config.a.x.y`),
  'get b.x': js(`DIRECT.GET.${KV}.$KV.config.b.x`),
  'get the last of all': js(`DIRECT.GET.${KV}.$KV.config.>`),
  'get of b by body': js(`DIRECT.GET.${KV}`, { last_by_subj: '$KV.config.b.x' }),
  'get many': js(`DIRECT.GET.${KV}`, { multi_last: ['$KV.config.>'] }),
  'get a revision': js(`STREAM.MSG.GET.${KV}`, { seq: 2 }),
  'get without direct': js(`STREAM.MSG.GET.${KV}`, { last_by_subj: '$KV.config.b.x' }),
  'watch a.>': watch(KV, '$KV.config.a.>'),
  'watch a.x': watch(KV, '$KV.config.a.x'),
  'watch b.>': watch(KV, '$KV.config.b.>'),
  'watch all': watch(KV, '$KV.config.>'),
  'watch everything there is': watch(KV, '>'),
  'watch *.x': watch(KV, '$KV.config.*.x'),
  'watch without filter': watchInBody(KV, '.w1', ['$KV.config.b.>']),
  'watch two patterns': watchInBody(KV, '', ['$KV.config.a.>', '$KV.config.b.>']),
  'consumer info': async (nc) => {
    await watch(KV, '$KV.config.a.>')(root)
    return api(nc, `$JS.API.CONSUMER.INFO.${KV}.w1`)
  },
  'durable consumer': js(`CONSUMER.DURABLE.CREATE.${KV}.d`, {
    stream_name: KV,
    config: { durable_name: 'd', ack_policy: 'explicit' },
  }),
  pull: async (nc) => {
    await api(root, `$JS.API.CONSUMER.CREATE.${KV}.p`, {
      stream_name: KV,
      config: { name: 'p', ack_policy: 'none' },
    })
    return api(nc, `$JS.API.CONSUMER.MSG.NEXT.${KV}.p`, '1')
  },
  'pull by an acknowledgement': async (nc) => {
    await api(root, `$JS.API.CONSUMER.CREATE.${KV}.q`, {
      stream_name: KV,
      config: { name: 'q', ack_policy: 'explicit' },
    })
    return ask(nc, `$JS.ACK.${KV}.q.1.1.1.1.0`, '+NXT')
  },
  'hear keys': hear('$KV.config.>'),
  'hear one key': hear('$KV.config.a.x'),
  'delete a consumer': async (nc) => {
    await watch(KV, '$KV.config.a.>')(root)
    return api(nc, `$JS.API.CONSUMER.DELETE.${KV}.w1`)
  },
  'put a.x': put('$KV.config.a.x'),
  'put b.x': put('$KV.config.b.x'),
  'bucket status': js(`STREAM.INFO.${KV}`, { subjects_filter: '>' }),
  'create bucket': js(`STREAM.CREATE.${KV}`, { ...bucket, storage: 'memory' }),
  'change bucket': js(`STREAM.UPDATE.${KV}`, { ...bucket, storage: 'memory', max_msgs_per_subject: 6 }),
  'purge deletes': js(`STREAM.PURGE.${KV}`, { filter: '$KV.config.a.x' }),
  'delete a message': js(`STREAM.MSG.DELETE.${KV}`, { seq: 1 }),
  'delete bucket': js(`STREAM.DELETE.${KV}`),
  'mirror the bucket': js('STREAM.CREATE.MIRROR', {
    name: 'MIRROR',
    storage: 'memory',
    mirror: { name: KV },
  }),
  'list buckets': js('STREAM.LIST'),
  'account info': js('INFO'),
  'object info': js(`DIRECT.GET.${OBJ}.$O.files.M.bmFtZQ==`),
  'object info without direct': js(`STREAM.MSG.GET.${OBJ}`, { last_by_subj: '$O.files.M.bmFtZQ==' }),
  'object parts': watch(OBJ, '$O.files.C.n1'),
  'object list': watch(OBJ, '$O.files.M.>'),
  'objects as a stream': watch(OBJ, '>'),
  'object consumer': watchInBody(OBJ, '.w1', ['$O.files.M.>']),
  'object status': js(`STREAM.INFO.${OBJ}`),
  'put a part': put('$O.files.C.n2'),
  'put what it is': put('$O.files.M.bmV3'),
  'purge parts': js(`STREAM.PURGE.${OBJ}`, { filter: '$O.files.C.n1' }),
  'delete a part': js(`STREAM.MSG.DELETE.${OBJ}`, { seq: 1 }),
  'hear parts': hear('$O.files.C.>'),
  'create objects': js(`STREAM.CREATE.${OBJ}`, { ...objects, storage: 'memory' }),
  'seal objects': js(`STREAM.UPDATE.${OBJ}`, { ...objects, storage: 'memory', max_msgs: 1_000 }),
  'delete objects': js(`STREAM.DELETE.${OBJ}`),
}
const EVERY = Object.keys(OPERATIONS)

/** Which operations the server refuses to somebody. */
async function refusedTo(nc: NatsConnection): Promise<readonly string[]> {
  const refused: string[] = []
  await renew()
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    if (await isRefused(nc, operation)) refused.push(name)
    else if (/delete|purge|consumer|watch|object|mirror|create|pull|change/.test(name)) await renew()
  }
  return refused
}

const KV_OPEN = ['bucket status', 'account info']
const OBJ_OPEN = ['object status', 'account info']
const KV_GET = EVERY.filter((each) => each.startsWith('get'))
const KV_WATCH = [...EVERY.filter((each) => each.startsWith('watch')), 'consumer info']

const TABLE: readonly (readonly [object, readonly string[]])[] = [
  [{ kv: 'config', may: ['read'] }, [...KV_OPEN, ...KV_GET]],
  [{ kv: 'config', may: ['watch'] }, [...KV_OPEN, ...KV_WATCH]],
  [{ kv: 'config', may: ['write'] }, [...KV_OPEN, 'put a.x', 'put b.x']],
  [
    { kv: 'config', may: ['manage'] },
    [...KV_OPEN, 'create bucket', 'change bucket', 'purge deletes', 'delete bucket'],
  ],
  [
    { kv: 'config', may: ['read', 'watch'], keys: ['a.>'] },
    ['get a.x', 'get a.x.y', 'watch a.>', 'watch a.x', 'consumer info'],
  ],
  [{ kv: 'config', may: ['read', 'watch'], keys: ['a.x'] }, ['get a.x', 'watch a.x', 'consumer info']],
  [{ kv: 'config', may: ['write'], keys: ['a.*'] }, ['put a.x']],
  [
    { object: 'files', may: ['read'] },
    [...OBJ_OPEN, 'object info', 'object info without direct', 'object parts'],
  ],
  [{ object: 'files', may: ['watch'] }, [...OBJ_OPEN, 'object info', 'object list']],
  [
    { object: 'files', may: ['write'] },
    [...OBJ_OPEN, 'object info', 'put a part', 'put what it is', 'purge parts'],
  ],
  [
    { object: 'files', may: ['manage'] },
    [...OBJ_OPEN, 'create objects', 'seal objects', 'purge parts', 'delete objects'],
  ],
]

const KV_CONSUMERS = EVERY.filter(
  (each) =>
    each.startsWith('watch') ||
    (each.startsWith('hear') && !each.includes('part')) ||
    ['durable consumer', 'pull', 'pull by an acknowledgement'].includes(each),
)
const DENIED: readonly (readonly [object, readonly string[]])[] = [
  [{ kv: 'config', may: ['read'] }, [...KV_GET, ...KV_CONSUMERS]],
  [{ kv: 'config', may: ['watch'] }, KV_CONSUMERS],
  [{ kv: 'config', may: ['write'], keys: ['b.>'] }, ['put b.x', 'purge deletes', 'delete a message']],
  [{ kv: 'config', may: ['write'] }, ['put a.x', 'put b.x', 'purge deletes', 'delete a message']],
  [
    { kv: 'config', may: ['manage'] },
    ['create bucket', 'change bucket', 'purge deletes', 'delete a message', 'delete bucket'],
  ],
  [
    { object: 'files', may: ['read'] },
    [
      'object info',
      'object info without direct',
      'object parts',
      'object list',
      'objects as a stream',
      'object consumer',
      'hear parts',
    ],
  ],
  [{ object: 'files', may: ['write'] }, ['put a part', 'put what it is', 'purge parts', 'delete a part']],
  [
    { object: 'files', may: ['manage'] },
    ['create objects', 'seal objects', 'purge parts', 'delete a part', 'delete objects'],
  ],
]

describe('of a bucket', () => {
  it('everything that is tried here works for who may do everything', async () => {
    expect(await refusedTo(root)).toEqual([])
  })

  it.each(TABLE)('%j lets do exactly that', async (permission, allowed) => {
    const refused = await refusedTo(await permitted(world, { allow: [permission] }))
    expect(EVERY.filter((each) => !refused.includes(each))).toEqual(
      EVERY.filter((each) => allowed.includes(each)),
    )
  })

  it.each(DENIED)('a deny of %j takes exactly that from who may do everything', async (deny, denied) => {
    const everything = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } }
    const refused = await refusedTo(await permitted(world, { ...everything, deny: [deny] }))
    expect(refused).toEqual(EVERY.filter((each) => denied.includes(each)))
  })
})

describe('nats-server', () => {
  it('takes a filter of > as one that a last * allows, so a pattern for reading must not end in one', async () => {
    await renew()
    const publish = {
      allow: [`$JS.API.CONSUMER.CREATE.${KV}.*.$KV.config.a.*`, `$JS.API.DIRECT.GET.${KV}.$KV.config.a.*`],
    }
    const nc = await permitted(world, { publish })
    expect(await isRefused(nc, watch(KV, '$KV.config.a.x.y'))).toBe(true)
    expect(await isRefused(nc, watch(KV, '$KV.config.a.>'))).toBe(false)
    const found = await ask(nc, `$JS.API.DIRECT.GET.${KV}.$KV.config.a.>`)
    expect(found.headers?.get('Nats-Subject')).toBe('$KV.config.a.x.y')
  })

  it('takes no > in the middle, where a * allows one too', async () => {
    await renew()
    const keys = ['*.x', 'a.*.z']
    const nc = await permitted(world, { allow: [{ kv: 'config', may: ['read', 'watch'], keys }] })
    for (const filter of ['$KV.config.>.x', '$KV.config.a.>.z']) {
      await expect(watch(KV, filter)(nc)).rejects.toThrow(/"code":\d+/)
      await expect(js(`DIRECT.GET.${KV}.${filter}`)(nc)).rejects.toThrow('404')
    }
  })

  it('lets whoever writes one key remove all, by a header: permissions do not see headers', async () => {
    await renew()
    const nc = await permitted(world, { allow: [{ kv: 'config', may: ['write'], keys: ['a.x'] }] })
    const rollup = headers()
    rollup.set('Nats-Rollup', 'all')
    await nc.request('$KV.config.a.x', 'alone', { headers: rollup, timeout: 5_000 })
    const info = (await api(root, `$JS.API.STREAM.INFO.${KV}`)) as {
      readonly state: { readonly messages: number }
    }
    expect(info.state.messages).toBe(1)
  })
})
