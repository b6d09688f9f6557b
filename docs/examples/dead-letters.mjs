// Shows what durable-subscriber.mjs has put aside, a line each, and puts those that are named back to work:
//
//   NATS_URL=nats://127.0.0.1:4222 NATS_TOKEN=… node dead-letters.mjs [sequence …]
//
// Needs an account with JetStream, leave to publish $JS.API.> and replay.>, and @nats-io/transport-node and
// @nats-io/jetstream.
import process from 'node:process'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, headers, tokenAuthenticator } from '@nats-io/transport-node'

const { NATS_URL: servers = 'nats://127.0.0.1:4222', NATS_TOKEN: token } = process.env
const named = process.argv.slice(2).map(Number)

const DEAD_LETTERS = 'account-events-dead'
/** What was put aside is under its subject, and goes back under replay, where durable-subscriber.mjs takes it. */
const ASIDE = /^dead-letter\.(?:auth\.event|replay)\./

const nc = await connect({ servers, name: 'dead-letters', authenticator: tokenAuthenticator(token ?? '') })
const js = jetstream(nc)
const { streams } = await jetstreamManager(nc)

const { state } = await streams.info(DEAD_LETTERS)
for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
  const letter = await streams.getMessage(DEAD_LETTERS, { seq }).catch(() => null)
  if (letter === null) continue // It was put back before.
  if (named.length === 0) show(letter)
  else if (named.includes(seq)) await putBack(letter)
}
await nc.drain()

function show({ seq, subject, header, data }) {
  const { data: event, metadata } = JSON.parse(new TextDecoder().decode(data))
  console.log(JSON.stringify({ seq, subject, error: header.get('Error'), id: metadata.id, data: event }))
}

/** Taken from the dead letters only once the stream has it. */
async function putBack({ seq, subject, data }) {
  const about = headers()
  about.set('Nats-Msg-Id', `again ${seq}`)
  await js.publish(subject.replace(ASIDE, 'replay.'), data, { headers: about })
  await streams.deleteMessage(DEAD_LETTERS, seq)
  console.error(`put back ${seq}`)
}
