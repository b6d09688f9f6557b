import type { NatsConnection } from '@nats-io/transport-node'
import { GatehouseError } from '../errors.ts'

/** All have answered when as many as there are servers did, or nobody has for this long. */
const QUIET_MS = 300

/** What every server is asked. */
export interface ServersQuestion {
  readonly subject: string
  readonly body: string
  /** How many servers there are. */
  readonly servers: number
  readonly waitMsMax: number
}

/** The answer of every server, as JSON. Throws `unavailable` when not all of them gave one. */
export async function askServers<Answer>(
  nc: NatsConnection,
  { subject, body, servers, waitMsMax }: ServersQuestion,
): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  const options = { strategy: 'stall', stall: QUIET_MS, maxWait: waitMsMax } as const
  try {
    for await (const reply of await nc.requestMany(subject, body, options)) {
      answers.push(reply.json<Answer>())
      if (answers.length === servers) break
    }
  } catch (cause) {
    throw new GatehouseError('unavailable', 'the servers cannot be asked', { cause })
  }
  if (answers.length === 0 || answers.length < servers)
    throw new GatehouseError('unavailable', 'not every server answered')
  return answers
}
