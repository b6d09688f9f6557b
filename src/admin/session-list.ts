import { z } from 'zod'
import { accountKey, policyKey } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import { sessionId, type Session, type SessionId } from '../sessions/session.ts'
import { accounts, policies } from './aggregates.ts'
import { named, pageOf } from './answers.ts'
import { command, type Scene } from './command.ts'
import { boundOf } from './delegation.ts'
import { listing, paging } from './listing.ts'
import { selecting, selectionOf } from './session-selection.ts'
import type { View } from './transaction.ts'

/** Who is connected, and why. */

export const sessionReference = z
  .string()
  .regex(/^N[A-Z2-7]{55}\.(?:0|[1-9]\d{0,15})$/, 'must be the id of a session: N….12')

const sessionSeen = z.object({
  id: z.string().describe('The id of its server, and its number there.'),
  account: named.describe('Where the user is: its A… key, and its name.'),
  user: named.describe('Who it is.'),
  credential: z.string().optional().describe('The id of the credential. Absent where nobody recorded it.'),
  decision: z
    .string()
    .optional()
    .describe(
      'The id of the decision that let it in, for explain.decision. Absent where nobody recorded it.',
    ),
  server: z.string().describe('The id of the server that has the connection.'),
  cid: z.number().describe('Its number there.'),
  source: z.string().optional().describe('The address it comes from, as the server sees it.'),
  kind: z.string().optional().describe('Client or Leafnode, as the server says it.'),
  type: z.string().optional().describe('nats, websocket or mqtt.'),
  client: z
    .object({
      name: z.string().optional(),
      lang: z.string().optional(),
      version: z.string().optional(),
      mqttId: z.string().optional(),
    })
    .describe('What the client says of itself.'),
  since: z.string().describe('When it was let in: RFC 3339, UTC.'),
  until: z.string().optional().describe('When its JWT ends, and it with it. Absent: it may last.'),
  policies: z
    .array(
      z.object({
        id: z.string().describe('The id of the policy.'),
        name: z.string().optional().describe('Its name now. Absent when it was deleted.'),
        version: z.number().describe('The version that counted when it was let in.'),
        via: z.enum(['default', 'user', 'role', 'boundary']).describe('How it came to be one of them.'),
      }),
    )
    .describe('What its grant was made of.'),
  grantHash: z.string().optional().describe('Equal for sessions that may do the same.'),
  adopted: z
    .boolean()
    .optional()
    .describe('True where it was found at its server, and what it was granted is not known.'),
})

const trafficSeen = z.object({
  messagesIn: z.number().describe('Published by the client.'),
  messagesOut: z.number().describe('Delivered to it.'),
  bytesIn: z.number(),
  bytesOut: z.number(),
  subscriptions: z.number().describe('How many it has.'),
  pendingBytes: z.number().describe('What it has yet to take.'),
  rtt: z.string().optional().describe('Round trip between server and client, such as 1.2ms.'),
  lastActivity: z.string().optional().describe('When something last went either way: RFC 3339.'),
})

const listSessions = command({
  name: 'session.list',
  summary: 'Lists who is connected, a page at a time: to any server, let in by any replica.',
  access: 'account',
  request: z.strictObject({ ...selecting, ...paging }),
  response: pageOf(sessionSeen),
  example: { account: 'ORDERS', user: 'alice@example.com' },
  async handle({ limit, after, ...asked }, scene) {
    const { filter, includes } = await selectionOf(scene, asked)
    return listing(scene.sessions, { filter, limit, after }, ({ value }) => {
      const session = value as Session
      return includes(session) ? toldSession(scene.tx, session) : undefined
    })
  },
})

const showSession = command({
  name: 'session.show',
  summary: 'Shows a session, and what its server says of the connection.',
  access: 'account',
  request: z.strictObject({ id: sessionReference.describe('Its id, as session.list tells it.') }),
  response: z.object({
    session: sessionSeen.extend({
      state: z
        .enum(['open', 'gone', 'unknown'])
        .describe(
          'Whether its server has it: unknown when that does not answer. Of leaf nodes servers say `gone`.',
        ),
      traffic: trafficSeen.optional().describe('Where it is open.'),
    }),
  }),
  example: { id: 'NDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4.12' },
  async handle({ id }, scene) {
    const session = await sessionOfId(scene, id as SessionId)
    const traffic = await scene.sessions.traffic(session)
    const told = typeof traffic === 'string' ? { state: traffic } : { state: 'open' as const, traffic }
    return { session: { ...(await toldSession(scene.tx, session)), ...told } }
  },
})

/** One that the caller may see. Throws `not_found` in the same words for one that it may not. */
export async function sessionOfId(
  { sessions, reach }: Pick<Scene, 'sessions' | 'reach'>,
  id: SessionId,
): Promise<Session> {
  const session = await sessions.get(id)
  const bound = boundOf(reach)
  if (session !== undefined && (bound === undefined || session.account === bound)) return session
  throw new GatehouseError('not_found', `there is no session ${id}`)
}

async function toldSession(view: View, session: Session) {
  const { server, cid, client, since, until, policies: at } = session
  const { decision, credential, grantHash, adopted } = session // Empty where it was adopted.
  const account = await view.load(accounts, accountKey(session.account))
  return {
    id: sessionId(session),
    account: { id: session.account, name: account.status === 'present' ? account.name : '' },
    user: { id: session.user, name: session.name },
    ...(credential && { credential }),
    ...(decision && { decision }),
    server,
    cid,
    source: client.host,
    kind: client.kind,
    type: client.type,
    client: { name: client.name, lang: client.lang, version: client.version, mqttId: client.mqtt_id },
    since,
    until,
    policies: await Promise.all(
      at.map(async (policy) => ({ ...policy, name: await nameOf(view, policy.id) })),
    ),
    ...(grantHash && { grantHash }),
    ...(adopted === true && { adopted }),
  }
}

async function nameOf(view: View, policy: string): Promise<string | undefined> {
  const found = await view.load(policies, policyKey(policy))
  return found.status === 'present' ? found.name : undefined
}

export const sessionListCommands = { listSessions, showSession }
