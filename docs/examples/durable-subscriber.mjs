// Misses nothing, also while it is down: a stream of the account's own captures the events, a durable consumer hands
// them out until they are acknowledged, and what fails again and again is put aside, also when it takes the whole
// program with it. Takes what `gatehouse events replay --to replay` and dead-letters.mjs publish, too.
//
//   NATS_URL=nats://127.0.0.1:4222 NATS_TOKEN=… node durable-subscriber.mjs
//
// Needs an account with JetStream, leave to publish $JS.API.>, $JS.ACK.> and dead-letter.>, and
// @nats-io/transport-node and @nats-io/jetstream. FAIL_ON=<type> makes one type of event fail, CRASH_ON=<type> end the
// program, and ACK_WAIT=<seconds> is how long an event is its own, to see what happens.
import process from 'node:process'
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers, tokenAuthenticator } from '@nats-io/transport-node'

const {
  NATS_URL: servers = 'nats://127.0.0.1:4222',
  NATS_TOKEN: token,
  FAIL_ON,
  CRASH_ON,
  ACK_WAIT = '30',
} = process.env

const STREAM = 'account-events'
const DEAD_LETTERS = 'account-events-dead'
const CONSUMER = 'worker'
const SECOND = 1_000_000_000
/** How long to wait before each next attempt, in milliseconds. */
const BACKOFF_MS = [200, 1_000, 5_000]
const ATTEMPTS = BACKOFF_MS.length + 1

const nc = await connect({
  servers,
  name: 'durable-event-subscriber',
  authenticator: tokenAuthenticator(token ?? ''),
  maxReconnectAttempts: -1,
  ignoreAuthErrorAbort: true, // It may be back before Gatehouse is.
})
const js = jetstream(nc)
const manager = await jetstreamManager(nc)

// Adding what is there already, as it is, changes nothing.
const WEEK = 7 * 86_400 * SECOND
await manager.streams.add({
  name: STREAM,
  subjects: ['auth.event.>', 'replay.>'],
  max_age: WEEK,
  duplicate_window: 120 * SECOND, // An event that is told again has the same Nats-Msg-Id.
})
await manager.streams.add({ name: DEAD_LETTERS, subjects: ['dead-letter.>'], max_age: WEEK })
await manager.consumers.add(STREAM, {
  durable_name: CONSUMER,
  ack_policy: AckPolicy.Explicit,
  ack_wait: Number(ACK_WAIT) * SECOND,
  max_deliver: 2 * ATTEMPTS, // Beyond the attempts it is only put aside.
})

const consumer = await js.consumers.get(STREAM, CONSUMER)
const messages = await consumer.consume({ max_messages: 100 })
console.error(`listening on stream ${STREAM}`)

// What is in hand is finished and acknowledged; the rest waits in the stream.
let isLeaving = false
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    isLeaving = true
    messages.stop()
  })
}

for await (const message of messages) {
  if (isLeaving) {
    message.nak() // For whoever comes next, at once.
    continue
  }
  if (message.info.deliveryCount > ATTEMPTS) {
    await putAside(message, `was delivered ${ATTEMPTS} times, and never finished`)
    continue
  }
  try {
    await handle(message.subject, message.json())
    message.ack()
  } catch (error) {
    await retryOrPutAside(message, error)
  }
}
await nc.drain()

/** Your work. It may be asked to do the same twice: remember `metadata.id`, or do what can be done twice. */
async function handle(subject, { data, metadata }) {
  const type = subject.split('.').slice(-2).join('.')
  if (type === FAIL_ON) throw new Error('made to fail')
  if (type === CRASH_ON) process.exit(1)
  console.log(JSON.stringify({ subject, id: metadata.id, data, by: metadata.actor }))
}

async function retryOrPutAside(message, error) {
  const attempt = message.info.deliveryCount
  if (attempt < ATTEMPTS) {
    message.nak(BACKOFF_MS[attempt - 1])
    return
  }
  await putAside(message, error?.message ?? error)
}

async function putAside(message, reason) {
  const about = headers()
  about.set('Nats-Msg-Id', `dead ${message.headers?.get('Nats-Msg-Id') ?? message.seq}`)
  about.set('Error', String(reason).replaceAll(/\s+/g, ' '))
  await js.publish(`dead-letter.${message.subject}`, message.data, { headers: about })
  message.term('put aside')
}
