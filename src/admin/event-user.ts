import { z } from 'zod'
import type { UserEvent } from '../domain/user.ts'
import {
  change,
  count,
  facts,
  moment,
  policyRef,
  reason,
  text,
  texts,
  type EventDefinition,
} from './event-schema.ts'

/** What happens to users: by command, and when they connect. And to commands that are refused. */

const ACCOUNT = 'ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA'
const USER = '01K9ZC3B1W7X1V9N3KJ3W5Y6ZQ'
const OTHER = '01K9ZC6WDCB1QZ1MV3Y8Q8Y1M5'
const DECISION = 'UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4'

const aUser = { userId: text('The id of the user.'), name: text('Its name.') }
const example = { userId: USER, name: 'alice@example.com' }

const credential = z
  .strictObject({
    id: text('Of the credential.'),
    kind: z.enum(['token', 'password', 'nkey']).describe('What it is. Never the secret, nor a hash of it.'),
    label: text('What it is for.').optional(),
    expiresAt: moment('From then on it proves nothing.').optional(),
  })
  .describe('What the user proves itself with.')
const token = { id: OTHER, kind: 'token', label: 'laptop' }

export const userEvents = {
  'user.registered': {
    when: 'A user was made.',
    data: {
      ...aUser,
      id: text('The same as `userId`.'),
      account: text('The A… key of its account.'),
      policies: texts('Ids of policies.'),
      roles: texts('Ids of roles.'),
      metadata: facts,
      expiresAt: moment('From then on it may not connect.').optional(),
    },
    example: { ...example, id: USER, account: ACCOUNT, policies: [OTHER], roles: [], metadata: {} },
  },
  'user.policy_assigned': {
    when: 'It was given a policy.',
    data: { ...aUser, policy: policyRef },
    example: { ...example, policy: OTHER },
  },
  'user.policy_removed': {
    when: 'A policy was taken from it.',
    data: { ...aUser, policy: policyRef },
    example: { ...example, policy: OTHER },
  },
  'user.role_assigned': {
    when: 'It was given a role.',
    data: { ...aUser, role: text('The id of the role.') },
    example: { ...example, role: OTHER },
  },
  'user.role_removed': {
    when: 'A role was taken from it.',
    data: { ...aUser, role: text('The id of the role.') },
    example: { ...example, role: OTHER },
  },
  'user.credential_added': {
    when: 'It got a credential: a token was issued, or a password or nkey set.',
    data: { ...aUser, credential },
    example: { ...example, credential: token },
  },
  'user.credential_revoked': {
    when: 'A credential was taken from it, for good.',
    data: { ...aUser, credential, reason: reason.optional() },
    example: { ...example, credential: token, reason: 'laptop stolen' },
  },
  'user.metadata_updated': {
    when: 'Its metadata changed.',
    data: { ...aUser, ...change(facts) },
    example: { ...example, old: {}, new: { team: 'sales' } },
  },
  'user.locked': {
    when: 'It may not connect any more.',
    data: { ...aUser, reason },
    example: { ...example, reason: 'left the company' },
  },
  'user.unlocked': { when: 'It may connect again.', data: aUser, example },
  'user.lockouts_cleared': {
    when: 'An admin ended its lockouts.',
    data: { ...aUser, source: text('The one from there. Absent: all it had.').optional() },
    example: { ...example, source: '10.1.2.3' },
  },
  'user.expiry_set': {
    when: 'The time from which on it may not connect was set, or taken away.',
    data: { ...aUser, ...change(moment('From then on it may not connect.')) },
    example: { ...example, new: '2027-01-31T12:00:00Z' },
  },
  'user.deleted': { when: 'It was deleted, with its credentials.', data: aUser, example },
} satisfies Readonly<Record<UserEvent['type'], EventDefinition>>

const howMany = count('How many like it this one stands for. Absent: one.').optional()
const client = {
  ip: text('Where the client came from.').optional(),
  userAgent: text('What the client says it is: name, library/version.').optional(),
  decisionId: text('Of the decision, as the log has it: the one-time key of the connection.'),
}
const from = { ip: '10.1.2.3', userAgent: 'shop nats.js/3.4.0', decisionId: DECISION }

const policiesThen = z.array(
  z.strictObject({
    id: text('The id of the policy.'),
    version: count('Its version.'),
    via: z.enum(['default', 'user', 'role', 'boundary']).describe('How it came to the user.'),
  }),
)

const traffic = (about: string) =>
  z
    .strictObject({ messages: count('How many.'), bytes: count('How much.') })
    .describe(about)
    .optional()

const login = {
  ...aUser,
  accountId: text('The A… key of its account.'),
  credentialId: text('What it proved itself with.'),
  ...client,
  policies: policiesThen.describe('What the grant was made of.'),
  metadata: facts.describe('The metadata of the user that templates asked for.'),
  grantHash: text('SHA-256 of the grant, hex: the same for the same grant.'),
  expiresAt: moment('The connection ends then.').optional(),
  count: howMany,
}
const loginExample = {
  ...example,
  accountId: ACCOUNT,
  credentialId: OTHER,
  ...from,
  policies: [{ id: OTHER, version: 1, via: 'default' }],
  metadata: {},
  grantHash: 'a0c2f1c47b7f3d4f6f3ad3a1c2f5b0d9e8c7b6a5948372615049382716e5d4c3',
}

export const connectionEvents = {
  'user.logged_in': {
    when: 'A connection was let in. Each reconnect is one, too.',
    data: login,
    example: loginExample,
  },
  'user.token_refreshed': {
    when: 'A connection was let in that goes on from one that was cut off within the last 30 seconds, because its JWT was over or its grant had changed: the same user, by the same credential, from the same client. It is told in place of `user.logged_in`.',
    data: { ...login, previousDecisionId: text('The decision that let the former connection in.') },
    example: {
      ...loginExample,
      previousDecisionId: 'UBC3GCKR5YFTUVCXEPY7FKK6UYQYWAOD6JPUYIYKFLRKJQHJFFSRXMFF',
    },
  },
  'user.logged_out': {
    when: 'A connection is over.',
    data: {
      userId: text('The id of the user. Absent: its account has no user of that name.').optional(),
      name: text('Its name.'),
      accountId: text('The A… key of its account.'),
      credentialId: text('What it had proved itself with. Absent: no replica has recorded it.').optional(),
      ip: client.ip,
      userAgent: client.userAgent,
      decisionId: text('Of the decision that let it in. Absent: no replica has recorded it.').optional(),
      since: moment('When it was let in.'),
      reason: text(
        'In the words of nats-server, such as `Client Closed`, `Authentication Expired`, `Kicked`; or `Server Gone`, `Unknown`.',
      ),
      durationSeconds: z.number().nonnegative().describe('How long it was there.'),
      sent: traffic('What the client sent. Absent: nobody counted.'),
      received: traffic('What it received. Absent: nobody counted.'),
      count: howMany,
    },
    example: {
      ...example,
      accountId: ACCOUNT,
      credentialId: OTHER,
      ...from,
      since: '2027-01-31T11:58:20.500Z',
      reason: 'Client Closed',
      durationSeconds: 99.5,
      sent: { messages: 12, bytes: 3456 },
      received: { messages: 7, bytes: 1024 },
    },
  },
  'user.login_failed': {
    when: 'A connection was refused.',
    data: {
      userId: text('The user that the credential led to, if it led to one.').optional(),
      name: text('Its name.').optional(),
      accountId: text('The A… key of its account.').optional(),
      credentialId: text('What it proved itself with, if it did.').optional(),
      reason: text('A code of docs/decision.md.'),
      detail: text('What it was about, for people.').optional(),
      policies: policiesThen.optional().describe('What was looked at, where it came so far.'),
      metadata: facts.optional().describe('The metadata of the user that templates asked for.'),
      ...client,
      count: howMany,
    },
    example: { ...example, accountId: ACCOUNT, reason: 'wrong_password', detail: example.name, ...from },
  },
  'user.locked_out': {
    when: 'Too many of its passwords were wrong: none is tried for a while. Tokens and nkeys are.',
    data: {
      ...aUser,
      accountId: text('The A… key of its account.'),
      source: text(
        'From there: an IPv4 address, or an IPv6 network. Absent: from everywhere but its familiar sources.',
      ).optional(),
      failures: count('How many were wrong.'),
      until: moment('When it ends.'),
      seconds: count('How long it lasts.'),
      count: howMany,
    },
    example: {
      ...example,
      accountId: ACCOUNT,
      source: from.ip,
      failures: 5,
      until: '2027-01-31T12:15:00.000Z',
      seconds: 900,
    },
  },
} satisfies Readonly<Record<string, EventDefinition>>

export const commandEvents = {
  'command.refused': {
    when: 'A command was refused. Nothing changed.',
    data: {
      command: text('Its name.'),
      code: text('The code that its caller was answered.'),
      message: text('What its caller was told.'),
      faults: z
        .array(z.strictObject({ where: text('The field.'), rule: text('The rule it breaks.') }))
        .describe('What was wrong with the body, without any value.'),
      count: howMany,
    },
    example: {
      command: 'user.create',
      code: 'invalid_request',
      message: 'name: must not be empty',
      faults: [{ where: 'name', rule: 'must not be empty' }],
    },
  },
} satisfies Readonly<Record<string, EventDefinition>>
