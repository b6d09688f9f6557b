import { AckPolicy, jetstream, jetstreamManager, type PushConsumer } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newestServer, oldestServer } from '../support/binaries.ts'
import { failsRefused, owner, permitted, unlessRefused } from '../support/permitted.ts'
import { durable, PUSHED, S, storage, stream, STREAM_OPERATIONS } from '../support/stream-operations.ts'
import { openWorld, type World } from '../support/world.ts'

const EVERY = Object.keys(STREAM_OPERATIONS)

const SEE = ['info of mine', 'info of theirs']
const READ = EVERY.filter((each) => /^(?:get$|get the|direct get|in order, pushed)/.test(each))
const ADD = ['add mine', 'change mine', 'add theirs', 'change theirs', 'add another']
const IN_ORDER = EVERY.filter((each) => each.startsWith('in order, pulled'))
const PULL_MINE = EVERY.filter((each) => /^pull .*mine/.test(each))
const CHANGE_MINE = ['add mine', 'change mine', 'pause mine', 'reset mine', 'delete mine']
const CHANGE_THEIRS = CHANGE_MINE.map((each) => each.replace('mine', 'theirs'))
const CHANGE = ['update the stream', 'purge the stream', 'delete a message', 'delete the stream']
const reading = { stream: S, may: ['read'] }

/** What somebody may, and what works then with the client; everything else is refused. */
const TABLE: readonly (readonly [object, readonly string[]])[] = [
  [
    { allow: [{ stream: S, may: ['view'] }] },
    ['open JetStream', 'stream info', 'consumers there are', ...SEE],
  ],
  [{ allow: [reading] }, ['open JetStream', 'stream info', ...SEE, ...READ, ...ADD]],
  [
    { allow: [{ ...reading, subjects: ['orders.a'] }] },
    [...SEE, 'direct get of the last of a', 'in order, pushed, of a'],
  ],
  [
    { allow: [reading, { consumer: '*', stream: S, may: ['use'] }] },
    [
      'open JetStream',
      'stream info',
      ...SEE,
      ...READ,
      ...ADD,
      ...IN_ORDER,
      ...PULL_MINE,
      'pull one of theirs',
    ],
  ],
  [
    { allow: [reading], deny: [{ consumer: 'theirs', stream: S, may: ['manage'] }] },
    [
      'open JetStream',
      'stream info',
      ...SEE,
      ...READ.filter((each) => each !== 'in order, pushed, of both'),
      ...ADD.filter((each) => !each.endsWith('theirs')),
    ],
  ],
  [{ allow: [{ stream: S, may: ['write'], subjects: ['orders.a'] }] }, ['publish a', 'publish as a batch']],
  [{ allow: [{ stream: S, may: ['manage'] }] }, ['open JetStream', 'stream info', ...CHANGE]],
  [{ allow: [{ consumer: 'mine', stream: S, may: ['use'] }] }, ['info of mine', ...PULL_MINE]],
  [
    { allow: [{ consumer: 'pushed', stream: S, may: ['use'] }], subscribe: { allow: ['deliver.pushed'] } },
    ['pushed to me'],
  ],
  [
    { allow: [{ consumer: 'mine', stream: S, may: ['manage'] }] },
    ['open JetStream', 'info of mine', ...CHANGE_MINE],
  ],
  [
    { allow: [{ consumer: '*', stream: S, may: ['manage'] }] },
    [
      'open JetStream',
      ...SEE,
      ...CHANGE_MINE,
      ...CHANGE_THEIRS,
      'add another',
      ...EVERY.filter((each) => each.startsWith('in order, pushed')),
    ],
  ],
]

/** More than the two megabytes that nats-server sends before the client has to say that it goes on. */
const MANY = 100
const LARGE = 'x'.repeat(60_000)
const bulk = { name: 'BULK', subjects: ['bulk.*'], storage }

/** What was read of all that there is, and how often the server asked whether to go on. */
async function readMany(consumer: PushConsumer): Promise<{ count: number; asked: number }> {
  const messages = await consumer.consume()
  let asked = 0
  void (async () => {
    for await (const { type } of messages.status()) asked += type === 'flow_control' ? 1 : 0
  })()
  let count = 0
  for await (const { info } of messages) {
    count += 1
    if (info.pending === 0) break
  }
  return { count, asked }
}

describe.each([
  ['newest', newestServer, []],
  ['oldest', oldestServer, ['reset mine', 'reset theirs']],
] as const)('the client of JetStream, on the %s nats-server', (_, server, missing: readonly string[]) => {
  const possible = EVERY.filter((each) => !missing.includes(each))
  let world: World
  let root: NatsConnection
  beforeAll(async () => {
    world = await openWorld({ binary: await server() })
    root = await owner(world)
    const jsm = await jetstreamManager(root)
    await jsm.streams.add({ name: 'OTHER', subjects: ['other'], storage })
    await jetstream(root).publish('other', '')
    await jsm.streams.add(bulk)
    await Promise.all(Array.from({ length: MANY }, () => jetstream(root).publish('bulk.a', LARGE)))
    const config = { ...PUSHED, deliver_subject: 'deliver.bulk', durable_name: 'pushed' }
    await jsm.consumers.add('BULK', { ...config, ack_policy: AckPolicy.None })
  })
  afterAll(() => world[Symbol.asyncDispose]())

  async function renew(): Promise<void> {
    const jsm = await jetstreamManager(root, { checkAPI: false })
    await jsm.streams.delete(S).catch(() => undefined)
    await jsm.streams.add(stream)
    for (const subject of ['orders.a', 'orders.b', 'orders.a']) await jetstream(root).publish(subject, '')
    for (const name of ['mine', 'theirs']) await jsm.consumers.add(S, durable(name))
    await jsm.consumers.add(S, { ...durable('pushed'), ...PUSHED, deliver_subject: 'deliver.pushed' })
  }

  async function allowedTo(nc: NatsConnection): Promise<readonly string[]> {
    const allowed: string[] = []
    await renew()
    for (const name of possible) {
      const isRefused = await failsRefused(nc, (nc) => STREAM_OPERATIONS[name]!(nc))
      if (isRefused) continue
      allowed.push(name)
      if (!/^(?:open|stream|consumers|info|get|direct|in order|find)/.test(name)) await renew()
    }
    return allowed
  }

  it('does all that is tried here for who may do everything', async () => {
    expect(await allowedTo(root)).toEqual(possible)
  })

  it.each(TABLE)('does with %j what that lets, and nothing else', async (permissions, expected) => {
    const nc = await permitted(world, permissions)
    expect(await allowedTo(nc)).toEqual(possible.filter((each) => expected.includes(each)))
  })

  it.each([
    [[{ stream: 'BULK', may: ['read'] }], [], undefined],
    [[{ stream: 'BULK', may: ['read'], subjects: ['bulk.a'] }], [], { filter_subjects: 'bulk.a' }],
    [[{ consumer: 'pushed', stream: 'BULK', may: ['use'] }], ['deliver.bulk'], 'pushed'],
  ] as const)('reads on, with %j, when the server asks whether it should', async (allow, heard, options) => {
    const nc = await permitted(world, { allow, subscribe: { allow: heard } })
    const consumer = await jetstream(nc).consumers.getPushConsumer('BULK', options)
    const { count, asked } = await unlessRefused(nc, '$JS.FC.', readMany(consumer))
    expect([count, asked > 0]).toEqual([MANY, true])
  })
})
