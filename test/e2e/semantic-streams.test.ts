import { AckPolicy, jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, ask, isRefused, owner, permitted, type Operation } from '../support/permitted.ts'
import { openWorld, type World } from '../support/world.ts'

const S = 'ORDERS'
let world: World
let root: NatsConnection
beforeAll(async () => {
  world = await openWorld()
  root = await owner(world)
})
afterAll(() => world[Symbol.asyncDispose]())

/** A stream with three messages and two durable consumers, as new. */
async function renew(): Promise<void> {
  const jsm = await jetstreamManager(root)
  const storage = StorageType.Memory
  for (const name of [S, 'OTHER']) await jsm.streams.delete(name).catch(() => undefined)
  await jsm.streams.add({ name: S, subjects: ['orders.>'], storage, allow_direct: true })
  await jsm.streams.add({ name: 'OTHER', subjects: ['other.>'], storage, allow_direct: true })
  for (const subject of ['orders.a', 'orders.b', 'orders.a']) await jetstream(root).publish(subject, subject)
  await jetstream(root).publish('other.a', '')
  for (const durable_name of ['mine', 'theirs'])
    await jsm.consumers.add(S, { durable_name, ack_policy: AckPolicy.Explicit })
}

const consumer = (name: string, more: object = {}) => ({
  stream_name: S,
  config: { durable_name: name, ack_policy: 'explicit', max_ack_pending: 7, ...more },
})
const ordered = (filter?: string) => ({
  stream_name: S,
  config: {
    name: 'o1',
    deliver_subject: '_INBOX.somewhere',
    ...(filter === undefined ? {} : { filter_subject: filter }),
  },
})
const js =
  (subject: string, body?: unknown): Operation =>
  (nc) =>
    api(nc, `$JS.API.${subject}`, body)

/** A pull by whoever may, and the acknowledgement of it by who is asked about. */
const acknowledge =
  (name: string): Operation =>
  async (nc) => {
    const message = await ask(root, `$JS.API.CONSUMER.MSG.NEXT.${S}.${name}`, '1')
    return ask(nc, message.reply ?? '', '+ACK')
  }

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'account info': js('INFO'),
  'stream info': js(`STREAM.INFO.${S}`),
  'consumer names': js(`CONSUMER.NAMES.${S}`),
  'consumer list': js(`CONSUMER.LIST.${S}`),
  'my consumer info': js(`CONSUMER.INFO.${S}.mine`),
  'their consumer info': js(`CONSUMER.INFO.${S}.theirs`),
  'get by sequence': js(`STREAM.MSG.GET.${S}`, { seq: 2 }),
  'direct get by sequence': js(`DIRECT.GET.${S}`, { seq: 2 }),
  'direct get last of a': js(`DIRECT.GET.${S}.orders.a`),
  'direct get last of b': js(`DIRECT.GET.${S}.orders.b`),
  'ordered consumer of all': js(`CONSUMER.CREATE.${S}.o1`, ordered()),
  'ordered consumer of a': js(`CONSUMER.CREATE.${S}.o1.orders.a`, ordered('orders.a')),
  'ordered consumer of b': js(`CONSUMER.CREATE.${S}.o1.orders.b`, ordered('orders.b')),
  'ordered consumer of >': js(`CONSUMER.CREATE.${S}.o1.>`, ordered('>')),
  'consumer without a name': js(`CONSUMER.CREATE.${S}`, ordered()),
  'pull from mine': js(`CONSUMER.MSG.NEXT.${S}.mine`, '1'),
  'pull from theirs': js(`CONSUMER.MSG.NEXT.${S}.theirs`, '1'),
  'ack of mine': acknowledge('mine'),
  'ack of theirs': acknowledge('theirs'),
  'change mine': js(`CONSUMER.CREATE.${S}.mine`, consumer('mine')),
  'change mine by filter': js(
    `CONSUMER.CREATE.${S}.mine.orders.a`,
    consumer('mine', { filter_subject: 'orders.a' }),
  ),
  'change mine as durable': js(`CONSUMER.DURABLE.CREATE.${S}.mine`, consumer('mine')),
  'change theirs': js(`CONSUMER.CREATE.${S}.theirs`, consumer('theirs')),
  'change theirs by filter': js(
    `CONSUMER.CREATE.${S}.theirs.orders.a`,
    consumer('theirs', { filter_subject: 'orders.a' }),
  ),
  'change theirs as durable': js(`CONSUMER.DURABLE.CREATE.${S}.theirs`, consumer('theirs')),
  'pause mine': js(`CONSUMER.PAUSE.${S}.mine`, { pause_until: '2100-01-01T00:00:00Z' }),
  'pause theirs': js(`CONSUMER.PAUSE.${S}.theirs`, { pause_until: '2100-01-01T00:00:00Z' }),
  'reset mine': js(`CONSUMER.RESET.${S}.mine`),
  'reset theirs': js(`CONSUMER.RESET.${S}.theirs`),
  'delete mine': js(`CONSUMER.DELETE.${S}.mine`),
  'delete theirs': js(`CONSUMER.DELETE.${S}.theirs`),
  'publish a': (nc) => jetstream(nc).publish('orders.a', ''),
  'publish b': (nc) => jetstream(nc).publish('orders.b', ''),
  'update stream': js(`STREAM.UPDATE.${S}`, {
    name: S,
    subjects: ['orders.>'],
    allow_direct: true,
    storage: 'memory',
    max_msgs: 100,
  }),
  'create stream': async (nc) => {
    await api(root, `$JS.API.STREAM.DELETE.${S}`)
    return api(nc, `$JS.API.STREAM.CREATE.${S}`, { name: S, subjects: ['orders.>'] })
  },
  'purge stream': js(`STREAM.PURGE.${S}`),
  'delete message': js(`STREAM.MSG.DELETE.${S}`, { seq: 1 }),
  'delete stream': js(`STREAM.DELETE.${S}`),
  'stream names': js('STREAM.NAMES'),
  'stream list': js('STREAM.LIST'),
  'another stream': js('STREAM.CREATE.THIRD', { name: 'THIRD', mirror: { name: S } }),
  'delete the third': js('STREAM.DELETE.THIRD'),
  'info of another stream': js('STREAM.INFO.OTHER'),
  'read another stream': js('DIRECT.GET.OTHER', { seq: 1 }),
  'purge another stream': js('STREAM.PURGE.OTHER'),
  'publish into another stream': (nc) => jetstream(nc).publish('other.a', ''),
  'consumer of another stream': js('CONSUMER.CREATE.OTHER.o1', {
    stream_name: 'OTHER',
    config: { name: 'o1' },
  }),
}

const EVERY = Object.keys(OPERATIONS)
const OPEN = ['account info', 'stream info']
const READING = [
  ...OPEN,
  'my consumer info',
  'their consumer info',
  'get by sequence',
  'direct get by sequence',
  'direct get last of a',
  'direct get last of b',
  'ordered consumer of all',
  'ordered consumer of a',
  'ordered consumer of b',
  'ordered consumer of >',
  'consumer without a name',
  // nats-server takes both for the making of a consumer: a deny of it by name keeps them apart.
  'change mine',
  'change theirs',
  'change mine by filter',
  'change theirs by filter',
]
const OF_MINE = [
  'change mine',
  'change mine by filter',
  'change mine as durable',
  'pause mine',
  'reset mine',
  'delete mine',
]
const OF_THEIRS = OF_MINE.map((each) => each.replace('mine', 'theirs'))

const TABLE: readonly (readonly [object, readonly string[]])[] = [
  [
    { allow: [{ stream: S, may: ['view'] }] },
    [...OPEN, 'consumer names', 'consumer list', 'my consumer info', 'their consumer info'],
  ],
  [{ allow: [{ stream: S, may: ['read'] }] }, READING],
  [
    { allow: [{ stream: S, may: ['read'], subjects: ['orders.a'] }] },
    [
      'my consumer info',
      'their consumer info',
      'direct get last of a',
      'ordered consumer of a',
      'change mine by filter',
      'change theirs by filter',
    ],
  ],
  [{ allow: [{ stream: S, may: ['write'], subjects: ['orders.a'] }] }, ['publish a']],
  [
    { allow: [{ stream: S, may: ['manage'] }] },
    [...OPEN, 'update stream', 'create stream', 'purge stream', 'delete message', 'delete stream'],
  ],
  [
    { allow: [{ consumer: 'mine', stream: S, may: ['use'] }] },
    ['my consumer info', 'pull from mine', 'ack of mine'],
  ],
  [
    { allow: [{ consumer: 'mine', stream: S, may: ['manage'] }] },
    ['account info', 'my consumer info', ...OF_MINE],
  ],
  [
    { allow: [{ consumer: '*', stream: S, may: ['use'] }] },
    [
      'my consumer info',
      'their consumer info',
      'pull from mine',
      'pull from theirs',
      'ack of mine',
      'ack of theirs',
    ],
  ],
  [
    { allow: [{ consumer: '*', stream: S, may: ['manage'] }] },
    [
      'account info',
      'my consumer info',
      'their consumer info',
      ...OF_MINE,
      ...OF_THEIRS,
      ...READING.filter((each) => each.startsWith('ordered')),
      'consumer without a name',
    ],
  ],
]

/** Denies, beside somebody who may do everything: what is left out is refused, and nothing else. */
const DENIED: readonly (readonly [object, readonly string[]])[] = [
  [
    { stream: S, may: ['view'] },
    [
      'stream info',
      'consumer names',
      'consumer list',
      'my consumer info',
      'their consumer info',
      'stream names',
      'stream list',
    ],
  ],
  [
    { stream: S, may: ['read'] },
    EVERY.filter((each) => /get|ordered|pull from|^ack|^change|without a name/.test(each)),
  ],
  [{ stream: S, may: ['write'], subjects: ['orders.a'] }, ['publish a']],
  [
    { stream: S, may: ['manage'] },
    ['update stream', 'create stream', 'purge stream', 'delete message', 'delete stream'],
  ],
  [{ consumer: 'theirs', stream: S, may: ['use'] }, ['pull from theirs', 'ack of theirs']],
  [{ consumer: 'theirs', stream: S, may: ['manage'] }, ['consumer without a name', ...OF_THEIRS]],
]

/** Which operations the server refuses to somebody. What changes something is done to what is as new. */
async function refusedTo(nc: NatsConnection): Promise<readonly string[]> {
  const refused: string[] = []
  await renew()
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    if (name === 'create stream' || name === 'delete the third')
      await api(root, '$JS.API.STREAM.CREATE.THIRD', { name: 'THIRD', subjects: ['third'] }).catch(
        () => undefined,
      )
    if (name === 'another stream') await api(root, '$JS.API.STREAM.DELETE.THIRD').catch(() => undefined)
    if (await isRefused(nc, operation)) {
      refused.push(name)
      if (name === 'create stream') await renew()
    } else if (/change|reset|pause|delete|purge|create|consumer|pull|ack/.test(name)) await renew()
  }
  return refused
}

describe('of a stream and its consumers', () => {
  it('everything that is tried here works for who may do everything', async () => {
    expect(await refusedTo(root)).toEqual([])
  })

  it.each(TABLE)('%j lets do exactly that', async (permissions, allowed) => {
    const refused = await refusedTo(await permitted(world, permissions))
    expect(EVERY.filter((each) => !refused.includes(each))).toEqual(
      EVERY.filter((each) => allowed.includes(each)),
    )
  })

  it.each(DENIED)('a deny of %j takes exactly that from who may do everything', async (deny, denied) => {
    const everything = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } }
    const refused = await refusedTo(await permitted(world, { ...everything, deny: [deny] }))
    expect(refused).toEqual(EVERY.filter((each) => denied.includes(each)))
  })

  it.each(['REMOVE', 'EVACUATE'])(
    'a deny of managing a consumer refuses moving it in a cluster: %s',
    async (move) => {
      await renew()
      const everything = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } }
      const deny = [{ consumer: 'theirs', stream: S, may: ['manage'] }]
      const denied = await permitted(world, { ...everything, deny })
      const subject = `CONSUMER.PEER.${move}.${S}.theirs`
      expect(await isRefused(denied, js(subject))).toBe(true)
      await expect(js(subject)(root)).rejects.toThrow(/cluster/i)
    },
  )
})
