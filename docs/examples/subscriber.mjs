// Hears what happens in its account, from now on:
//
//   NATS_URL=nats://127.0.0.1:4222 NATS_TOKEN=… node subscriber.mjs [user.*]
//
// Needs leave to subscribe to auth.event.>, and nothing but @nats-io/transport-node. Whatever happens while it is not
// connected it does not hear: see durable-subscriber.mjs.
import process from 'node:process'
import { connect, tokenAuthenticator } from '@nats-io/transport-node'

const { NATS_URL: servers = 'nats://127.0.0.1:4222', NATS_TOKEN: token } = process.env
const [filter = '>'] = process.argv.slice(2)

const nc = await connect({
  servers,
  name: 'event-subscriber',
  authenticator: tokenAuthenticator(token ?? ''),
  maxReconnectAttempts: -1,
  ignoreAuthErrorAbort: true, // It may be back before Gatehouse is.
})

const events = nc.subscribe(`auth.event.${filter}`)
await nc.flush()
console.error(`listening on auth.event.${filter}`)

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void nc.drain())

for await (const message of events) {
  // At least once: the same event may come again, with the same id.
  const { data, metadata } = message.json()
  console.log(JSON.stringify({ subject: message.subject, id: metadata.id, data, by: metadata.actor }))
}
