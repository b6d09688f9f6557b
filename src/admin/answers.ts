import { z } from 'zod'
import { CONNECTION_TYPES, KEEP_SESSIONS } from '../domain/policy.ts'
import { DAYS } from '../domain/window.ts'
import { semanticListsSeen } from './semantic-seen.ts'

/** What replies say, beside the `revision` and `events` that each of them has. */

const idOf = (what: string): z.ZodString => z.string().describe(`The id of the ${what}.`)
const names = (what: string) => z.array(z.string()).describe(`Names of ${what}.`)
const moment = z.string().describe('A time: RFC 3339, UTC.')
const facts = z.record(z.string(), z.string()).describe('Facts for templates.')
const why = z
  .object({ reason: z.string().describe('What was said when it was done.'), since: moment })
  .optional()

export const accountId = z.object({ account: z.string().describe('The A… key of the account.') })
export const policyId = z.object({ policy: idOf('policy') })
export const roleId = z.object({ role: idOf('role') })
export const userId = z.object({ user: idOf('user') })
export const inboxPrefix = z
  .string()
  .describe('The prefix of the inboxes that are the user’s alone, where a policy gives them (`inbox`).')

const rules = z.object({
  allow: z.array(z.string()).describe('Nothing else is allowed.'),
  deny: z.array(z.string()).describe('Wins over every allow.'),
})
const responses = z
  .object({
    max: z.number().describe('Replies to one request.'),
    ttlMs: z.number().describe('How long after the request, in milliseconds.'),
  })
  .optional()
  .describe('May answer requests on their reply subject.')
const subjects = {
  publish: rules.describe('What may be published.'),
  subscribe: rules.describe('What may be subscribed to.'),
  responses,
}
const permissions = z.object({
  ...subjects,
  ...semanticListsSeen,
  inbox: z.enum(['shared', 'private']).optional().describe('Where replies come in.'),
})

export const credentialSeen = z.object({
  id: idOf('credential'),
  kind: z.enum(['token', 'password', 'nkey']).describe('What it is. Never the secret itself.'),
  label: z.string().optional().describe('What it is for.'),
  createdAt: moment,
  expiresAt: moment.optional().describe('From then on it proves nothing.'),
  lastUsed: moment.optional().describe('When it last let a connection in. Absent: nobody knows of any.'),
})

export const userSeen = z.object({
  id: idOf('user'),
  account: z.string().describe('The A… key of its account.'),
  name: z.string().describe('Unique in its account.'),
  status: z.enum(['active', 'locked', 'expired']).describe('Whether it may connect.'),
  lastActive: moment
    .optional()
    .describe('When it was last connected; now, while it is. Absent: nobody knows of any connection.'),
  policies: names('policies'),
  roles: names('roles'),
  metadata: facts,
  credentials: z.array(credentialSeen).describe('What it proves itself with.'),
  createdAt: moment,
  lock: why.describe('Present while it is locked out.'),
  expiresAt: moment.optional().describe('From then on it may not connect.'),
})

const limit = z.number().optional()
const flag = z.boolean().optional()
const storage = {
  memoryBytes: limit,
  diskBytes: limit,
  streams: limit,
  consumers: limit,
  maxAckPending: limit,
  memoryStreamBytes: limit,
  diskStreamBytes: limit,
  maxBytesRequired: flag,
}
const kind = z.enum(['stream', 'service'])

export const exportSeen = z.object({
  name: z.string().optional(),
  subject: z.string(),
  type: kind,
  access: z.enum(['public', 'private']).describe('Whether an import needs an activation.'),
  responseType: z.enum(['Singleton', 'Stream', 'Chunked']).optional(),
  responseThresholdMs: limit,
  accountTokenPosition: limit,
  latency: z
    .object({ sampling: z.union([z.number(), z.literal('headers')]), results: z.string() })
    .optional(),
  advertise: flag,
  allowTrace: flag,
  description: z.string().optional(),
  infoUrl: z.string().optional(),
})

export const importSeen = z.object({
  name: z.string().optional(),
  account: z.string().describe('The A… key of the exporting account.'),
  subject: z.string(),
  localSubject: z.string().optional(),
  type: kind,
  share: flag,
  allowTrace: flag,
  token: z.string().optional().describe('The activation.'),
})

export const accountSeen = z.object({
  id: z.string().describe('The A… key.'),
  name: z.string().describe('Unique in the system.'),
  role: z.enum(['system', 'callout', 'admin', 'tenant']).describe('Its part in the trust chain.'),
  status: z.enum(['active', 'suspended', 'expired']).describe('Whether anybody of it may connect.'),
  description: z.string().optional().describe('What it is for.'),
  limits: z
    .object({
      connections: limit,
      leafNodes: limit,
      subscriptions: limit,
      payloadBytes: limit,
      imports: limit,
      exports: limit,
      wildcardExports: flag,
      disallowBearer: flag,
      users: limit,
      sessionsPerUser: limit,
      jetstream: z
        .object({ ...storage, tiers: z.record(z.string(), z.object(storage)).optional() })
        .optional(),
    })
    .describe(
      'What nats-server and Gatehouse hold it to. What is absent is not limited; without `jetstream` it has none.',
    ),
  exports: z.array(exportSeen).optional().describe('What other accounts may import.'),
  imports: z.array(importSeen).optional().describe('What it takes from others.'),
  revokedActivations: z
    .record(z.string(), z.record(z.string(), z.number()))
    .optional()
    .describe('By export: whose activations, issued up to which second, hold no more; `*` is everyone.'),
  defaultPolicy: z.string().optional().describe('Applies to every user.'),
  boundaryPolicy: z.string().optional().describe('Caps every user.'),
  metadata: facts,
  signingKeys: z
    .array(z.object({ publicKey: z.string().describe('An A… key.'), createdAt: moment }))
    .describe('What signs its users; the last one does.'),
  suspension: why.describe('Present while it is suspended.'),
  expiresAt: moment.optional().describe('From then on nobody of it may connect.'),
  createdAt: moment,
})

const windowsSeen = z.array(
  z.object({
    zone: z.string().describe('The time zone whose clock counts.'),
    start: z.string().describe('From then on.'),
    end: z.string().describe('Up to then; before the start: on the next day.'),
    days: z.array(z.enum(DAYS)).optional().describe('The days on which it starts. Absent: every day.'),
  }),
)
const doors = {
  lifetimeSeconds: z.number().optional().describe('A connection ends after this long.'),
  sources: z.array(z.string()).optional().describe('Networks a client may come from.'),
  connectionTypes: z.array(z.enum(CONNECTION_TYPES)).optional().describe('Ways a client may connect.'),
  sessions: z.number().optional().describe('Connections of one user at a time.'),
  sessionsPerCredential: z.number().optional().describe('Connections by one credential at a time.'),
  keepSessions: z.enum(KEEP_SESSIONS).optional().describe('Which stay when there would be more.'),
}

export const policyVersionSeen = z.object({
  version: z.number().describe('Counts the changes of the policy; 1 when it was made.'),
  name: z.string().describe('What it was called.'),
  description: z.string().optional().describe('What it was for.'),
  permissions: permissions.describe('What it allowed and denied.'),
  limits: z.object({
    ...doors,
    windows: windowsSeen.optional().describe('When a client may be connected: one has to be open.'),
  }),
  delegable: z.boolean().describe('May the admins of an account hand it on?'),
})

export const policySeen = policyVersionSeen.extend({
  id: idOf('policy'),
  scope: z.string().describe('`operator`, or the A… key of the account it belongs to.'),
  createdAt: moment,
})

export const roleSeen = z.object({
  id: idOf('role'),
  name: z.string().describe('Unique among the roles of its owner.'),
  scope: z.string().describe('`operator`, or the A… key of the account it belongs to.'),
  description: z.string().optional().describe('What it is for.'),
  policies: names('policies'),
  roles: names('the roles within it'),
  createdAt: moment,
})

export const named = z.object({ id: z.string(), name: z.string() })

/** Who changed something, as the bus named it. */
export const actorSeen = z.object({
  account: z.string().describe('The A… key of the account.'),
  user: z.string().describe('The name of the user.'),
})

export const grantSeen = z.object({
  ...subjects,
  ...doors,
  windows: z
    .array(windowsSeen)
    .optional()
    .describe('When a client may be connected: one of each list has to be open.'),
  policies: z
    .array(z.object({ id: idOf('policy'), version: z.number().describe('Its version.') }))
    .describe('What it is made of.'),
})

/** What a list answers: items, each with the revision that `ifRevision` asks for. */
export function pageOf<Shape extends z.ZodRawShape>(item: z.ZodObject<Shape>): Page<Shape> {
  return z.object({
    items: z
      .array(z.object({ ...item.shape, revision: z.number().describe('Its revision.') }))
      .describe('One page of them.'),
    next: z.number().optional().describe('What the next request says as `after`; absent at the end.'),
  })
}

type Page<Shape extends z.ZodRawShape> = z.ZodObject<{
  readonly items: z.ZodArray<z.ZodObject<Shape & { readonly revision: z.ZodNumber }>>
  readonly next: z.ZodOptional<z.ZodNumber>
}>
