// Misses nothing, also while it is down: a stream of the account's own captures the events, a durable consumer hands
// them out until they are acknowledged, and what fails again and again is put aside.
//
//   NATS_URL=nats://127.0.0.1:4222 NATS_TOKEN=… node durable-subscriber.mjs
//
// Needs an account with JetStream, leave to publish $JS.API.>, $JS.ACK.> and dead-letter.>, and
// @nats-io/transport-node and @nats-io/jetstream. FAIL_ON=<type> makes one type of event fail, to see what happens.
import process from 'node:process'
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers, tokenAuthenticator } from '@nats-io/transport-node'

const { NATS_URL: servers = 'nats://127.0.0.1:4222', NATS_TOKEN: token, FAIL_ON } = process.env

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
  subjects: ['auth.event.>'],
  max_age: WEEK,
  duplicate_window: 120 * SECOND, // An event that is told again has the same Nats-Msg-Id.
})
await manager.streams.add({ name: DEAD_LETTERS, subjects: ['dead-letter.>'], max_age: WEEK })
await manager.consumers.add(STREAM, {
  durable_name: CONSUMER,
  ack_policy: AckPolicy.Explicit,
  ack_wait: 30 * SECOND,
  max_deliver: ATTEMPTS,
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
  if (FAIL_ON !== undefined && subject === `auth.event.${FAIL_ON}`) throw new Error('made to fail')
  console.log(JSON.stringify({ subject, id: metadata.id, data, by: metadata.actor }))
}

async function retryOrPutAside(message, error) {
  const attempt = message.info.deliveryCount
  if (attempt < ATTEMPTS) {
    message.nak(BACKOFF_MS[attempt - 1])
    return
  }
  const about = headers()
  about.set('Nats-Msg-Id', `dead ${message.headers?.get('Nats-Msg-Id') ?? message.seq}`)
  about.set('Error', String(error?.message ?? error).replaceAll(/\s+/g, ' '))
  await js.publish(`dead-letter.${message.subject}`, message.data, { headers: about })
  message.term('put aside')
}
