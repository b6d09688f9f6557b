import {
  AckPolicy,
  jetstream,
  jetstreamManager,
  StorageType,
  type Consumer,
  type JetStreamManager,
  type JsMsg,
  type StoredMsg,
} from '@nats-io/jetstream'
import type { NatsConnection, QueuedIterator } from '@nats-io/transport-node'
import { eventually } from './eventually.ts'
import { same, unlessRefused, type Operation } from './permitted.ts'

/** The stream that the operations are about. */
export const S = 'ORDERS'
export const storage = StorageType.Memory
export const stream = { name: S, subjects: ['orders.>'], storage, allow_direct: true, allow_atomic: true }
export const durable = (name: string) => ({ durable_name: name, ack_policy: AckPolicy.Explicit })
export const PUSHED = { flow_control: true, idle_heartbeat: 5e9 }

const managing =
  (operation: (jsm: JetStreamManager) => Promise<unknown>): ((nc: NatsConnection) => Promise<unknown>) =>
  async (nc) =>
    operation(await jetstreamManager(nc, { checkAPI: false }))

/** As many messages as there should be, of these subjects. */
async function first(messages: AsyncIterable<JsMsg>, count: number, pattern = /^orders\./): Promise<void> {
  let seen = 0
  for await (const { subject } of messages) {
    same(pattern.test(subject), true)
    seen += 1
    if (seen === count) return
  }
  throw new Error(`gave ${seen} messages, not ${count}`)
}

type Filter = string | string[] | undefined
/** A client takes no options for none. */
const filtered = (filter: Filter) => (filter === undefined ? undefined : { filter_subjects: filter })

const pushedInOrder =
  (count: number, filter?: Filter): Operation =>
  async (nc) => {
    const consumer = await jetstream(nc).consumers.getPushConsumer(S, filtered(filter))
    await first(await consumer.consume(), count)
  }

const PULL = '$JS.API.CONSUMER.MSG.NEXT.'

const pulledInOrder =
  (count: number, filter?: Filter): Operation =>
  async (nc) => {
    const consumer = await jetstream(nc).consumers.get(S, filtered(filter))
    const messages = await consumer.consume()
    await unlessRefused(nc, PULL, first(messages, count)).finally(() => messages.stop())
  }

/** Messages of a durable consumer, and what is done with them. */
const pulled =
  (name: string, use: (consumer: Consumer) => Promise<unknown>): Operation =>
  async (nc) => {
    const consumer = await jetstream(nc).consumers.get(S, name)
    await unlessRefused(nc, PULL, use(consumer))
  }

async function next(consumer: Consumer): Promise<JsMsg> {
  const message = await consumer.next({ expires: 5_000 })
  if (message === null) throw new Error('gave nothing')
  return message
}

/** What the consumer takes as acknowledged. */
const isAcknowledged = (consumer: Consumer, sequence: number): Promise<boolean> =>
  eventually(async () => (await consumer.info()).ack_floor.stream_seq === sequence)

const batch = (
  ask: (jsm: JetStreamManager) => Promise<QueuedIterator<StoredMsg>>,
  count: number,
): Operation => {
  const read = managing(async (jsm) => {
    let seen = 0
    for await (const { subject } of await ask(jsm)) seen += subject.startsWith('orders.') ? 1 : 0
    same(seen, count)
  })
  return (nc) => unlessRefused(nc, `$JS.API.DIRECT.GET.${S}`, read(nc))
}

/**
 * What the client of JetStream does with a stream of two messages of orders.a around one of orders.b, and with its
 * consumers mine, theirs and pushed. Throws when it gives something else than it should.
 */
export const STREAM_OPERATIONS: Readonly<Record<string, Operation>> = {
  'open JetStream': (nc) => jetstreamManager(nc),
  'stream info': managing((jsm) => jsm.streams.info(S)),
  'consumers there are': managing(async (jsm) => same((await jsm.consumers.list(S).next()).length, 3)),
  'info of mine': managing((jsm) => jsm.consumers.info(S, 'mine')),
  'info of theirs': managing((jsm) => jsm.consumers.info(S, 'theirs')),
  get: managing(async (jsm) => same((await jsm.streams.getMessage(S, { seq: 2 }))?.subject, 'orders.b')),
  'get the last of a': managing(async (jsm) =>
    same((await jsm.streams.getMessage(S, { last_by_subj: 'orders.a' }))?.seq, 3),
  ),
  'direct get': managing(async (jsm) => same((await jsm.direct.getMessage(S, { seq: 2 }))?.seq, 2)),
  'direct get of the next of a': managing(async (jsm) =>
    same((await jsm.direct.getMessage(S, { seq: 2, next_by_subj: 'orders.a' }))?.seq, 3),
  ),
  'direct get of the last of a': managing(async (jsm) =>
    same((await jsm.direct.getMessage(S, { last_by_subj: 'orders.a' }))?.seq, 3),
  ),
  'direct get of the last of b': managing(async (jsm) =>
    same((await jsm.direct.getMessage(S, { last_by_subj: 'orders.b' }))?.seq, 2),
  ),
  'direct get of a batch': batch((jsm) => jsm.direct.getBatch(S, { seq: 1, batch: 10 }), 3),
  'direct get of the last of each': batch(
    (jsm) => jsm.direct.getLastMessagesFor(S, { multi_last: ['orders.>'] }),
    2,
  ),
  'in order, pushed': pushedInOrder(3),
  'in order, pushed, of a': pushedInOrder(2, 'orders.a'),
  'in order, pushed, of b': pushedInOrder(1, 'orders.b'),
  'in order, pushed, of both': pushedInOrder(3, ['orders.a', 'orders.b']),
  'in order, pulled': pulledInOrder(3),
  'in order, pulled, of a': pulledInOrder(2, 'orders.a'),
  'in order, pulled, of both': pulledInOrder(3, ['orders.a', 'orders.b']),
  'pull one of mine': pulled('mine', async (consumer) => {
    ;(await next(consumer)).ack()
    await isAcknowledged(consumer, 1)
  }),
  'pull some of mine': pulled('mine', async (consumer) => {
    for await (const message of await consumer.fetch({ max_messages: 3, expires: 5_000 })) {
      message.working()
      same(await message.ackAck(), true)
    }
    await isAcknowledged(consumer, 3)
  }),
  'pull all of mine': pulled('mine', async (consumer) => {
    const messages = await consumer.consume({ max_messages: 10 })
    try {
      await first(messages, 3)
    } finally {
      messages.stop()
    }
  }),
  'pull mine again': pulled('mine', async (consumer) => {
    ;(await next(consumer)).nak()
    await eventually(async () => (await next(consumer)).redelivered)
  }),
  'pull mine no more': pulled('mine', async (consumer) => {
    ;(await next(consumer)).term('bad')
    await isAcknowledged(consumer, 1)
  }),
  'pull one of theirs': pulled('theirs', async (consumer) =>
    same(await (await next(consumer)).ackAck(), true),
  ),
  'pushed to me': async (nc) => {
    const messages = await (await jetstream(nc).consumers.getPushConsumer(S, 'pushed')).consume()
    const acknowledged: boolean[] = []
    for await (const message of messages) {
      acknowledged.push(await message.ackAck())
      if (acknowledged.length === 3) break
    }
    same(acknowledged, [true, true, true])
  },
  'add mine': managing((jsm) => jsm.consumers.add(S, durable('mine'))),
  'change mine': managing((jsm) => jsm.consumers.update(S, 'mine', { max_ack_pending: 7 })),
  'pause mine': managing((jsm) => jsm.consumers.pause(S, 'mine', new Date('2100-01-01T00:00:00Z'))),
  'reset mine': managing((jsm) => jsm.consumers.reset(S, 'mine')),
  'delete mine': managing((jsm) => jsm.consumers.delete(S, 'mine')),
  'add theirs': managing((jsm) => jsm.consumers.add(S, durable('theirs'))),
  'change theirs': managing((jsm) => jsm.consumers.update(S, 'theirs', { max_ack_pending: 7 })),
  'pause theirs': managing((jsm) => jsm.consumers.pause(S, 'theirs', new Date('2100-01-01T00:00:00Z'))),
  'reset theirs': managing((jsm) => jsm.consumers.reset(S, 'theirs')),
  'delete theirs': managing((jsm) => jsm.consumers.delete(S, 'theirs')),
  'add another': managing((jsm) => jsm.consumers.add(S, durable('another'))),
  'publish a': (nc) => jetstream(nc).publish('orders.a', ''),
  'publish b': (nc) => jetstream(nc).publish('orders.b', ''),
  'publish as a batch': async (nc) => {
    const batch = await jetstream(nc).startBatch('orders.a', '1')
    await batch.add('orders.a', '2', { ack: true })
    same((await batch.commit('orders.a', '3')).count, 3)
  },
  'update the stream': managing((jsm) => jsm.streams.update(S, { ...stream, max_msgs: 100 })),
  'purge the stream': managing((jsm) => jsm.streams.purge(S)),
  'delete a message': managing((jsm) => jsm.streams.deleteMessage(S, 1)),
  'delete the stream': managing((jsm) => jsm.streams.delete(S)),
  'streams there are': managing((jsm) => jsm.streams.list().next()),
  'find the stream': managing(async (jsm) => same(await jsm.streams.find('orders.a'), S)),
  'get from another': managing(async (jsm) =>
    same((await jsm.streams.getMessage('OTHER', { seq: 1 }))?.seq, 1),
  ),
}
