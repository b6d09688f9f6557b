import { headers } from '@nats-io/transport-node'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { answer, type Callout } from '../../src/callout/callout.ts'
import type { Incoming } from '../../src/callout/open.ts'
import { AUTH_SUBJECT, serveAuthCallout } from '../../src/nats/auth-callout.ts'
import { connectService, type ServiceConnection } from '../../src/nats/connection.ts'
import { startServer } from '../../src/nats/server-process.ts'
import { newestServer } from '../support/binaries.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryFolder } from '../support/programs.ts'
import { counted } from '../support/counts.ts'
import type { Gate, Outcome } from '../support/requests.ts'

/** A nats-server that knows nothing of us, and a connection to it. */
export interface Wire extends AsyncDisposable {
  /** Sends the request to a callout that takes so many at a time. Waits until something is counted. */
  outcome(incoming: Incoming, of: Wired): Promise<Outcome>
}

export interface Wired {
  readonly gate: Gate
  readonly with?: Partial<Callout>
  readonly concurrencyMax: number
}

export async function openWire(gate: Gate): Promise<Wire> {
  const folder = await temporaryFolder()
  const configFile = join(folder.path, 'server.conf')
  await writeFile(configFile, 'listen: "127.0.0.1:-1"')
  const options = { configFile, env: {}, portsDir: folder.path, log: () => undefined }
  const server = await startServer({ ...options, binary: await newestServer() })
  const quiet = { connected: () => undefined, disconnected: () => undefined, failed: () => undefined }
  const connection = await connectService(server.url, gate.trust.serviceUser, quiet)
  return {
    outcome: (incoming, of) => outcome(connection, incoming, of),
    async [Symbol.asyncDispose]() {
      for (const each of [connection, server, folder]) await each[Symbol.asyncDispose]()
    },
  }
}

async function outcome(connection: ServiceConnection, incoming: Incoming, of: Wired): Promise<Outcome> {
  const { gate, concurrencyMax } = of
  const { nc } = connection
  const before = await gate.counts()
  const answers: Uint8Array[] = []
  const replies = nc.subscribe('reply', { callback: (_, { data }) => void answers.push(data) })
  {
    await using _serving = serveAuthCallout(connection, {
      concurrencyMax,
      answer: (request) => answer({ ...gate.callout, ...of.with }, request),
      onOverload: () => gate.telemetry.overloaded(),
      onError: (error) => gate.telemetry.failed(error, 'callout'),
    })
    const sent = headers()
    sent.set('Nats-Server-Xkey', incoming.serverXkey ?? '')
    nc.publish(AUTH_SUBJECT, incoming.data, { headers: sent, reply: 'reply' })
    await eventually(async () => counted(before, await gate.counts()).length > 0)
  }
  await nc.flush() // Whatever was answered has come back by now.
  replies.unsubscribe()
  return { counted: counted(before, await gate.counts()), answer: answers[0] && gate.server.read(answers[0]) }
}
