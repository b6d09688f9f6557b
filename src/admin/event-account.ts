import { z } from 'zod'
import type { AccountEvent } from '../domain/account.ts'
import type { OperatorEvent } from '../domain/operator.ts'
import { accountSeen, exportSeen, importSeen } from './answers.ts'
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

/** What happens to the operator and to accounts. */

const ACCOUNT = 'ABJHLOVMPA4CI6R5KLNGOB4GSLNIY7IOUPAJC4YFNDLQVIOBYQGUWVLA'
const KEY = 'AAKY6BQ2HXJ4KDRTHGCHDD7R2FDIRDKEKMQLRMQKAVJYF5FMKPWYKDJE'

const anAccount = { accountId: text('The A… key of the account.'), name: text('Its name.') }
const example = { accountId: ACCOUNT, name: 'ORDERS' }

const { limits } = accountSeen.shape
const ofExport = {
  exportType: z.enum(['stream', 'service']).describe('What the export gives.'),
  subject: text('What may be imported.'),
  importer: text('The A… key of the importing account; `*` is everyone.'),
}
const about = z.strictObject({ description: z.string().optional(), metadata: facts })

const OPERATOR_KEY = 'ODJSQTTMTSGHUZQKQ2OKWC3IBXCKPHTKFTZVGQN7QG5QRKDWQ6SSEZBT'
const anOperator = { operatorId: text('The O… key of the operator.') }
const ofOperator = { operatorId: 'OBQ3J5XWQTNHVCFBMTTQVCD2WBVLN24XBPVVRHNVKGWKYYEQJKKH4KGK' }
const signingKey = z
  .strictObject({
    publicKey: text('The O… key.'),
    expiresAt: moment('It is to be replaced before then.').optional(),
  })
  .describe('The key, its public half.')

export const operatorEvents = {
  'operator.created': {
    when: 'The system was founded, at its first start.',
    data: {
      operatorId: text('The O… key.'),
      id: text('The same.'),
      name: text('Its name.'),
      signing: z.enum(['strict', 'root']).describe('Whether servers refuse what root keys sign.'),
      signingKeys: texts('O… keys that sign in place of the root.'),
      systemAccount: text('The A… key of SYS.'),
      calloutAccount: text('The A… key of AUTH.'),
      adminAccount: text('The A… key of ADMIN.'),
      description: text('What it is for.').optional(),
      serviceUrls: texts('URLs of its servers.').optional(),
      accountServerUrl: text('Where account JWTs are had.').optional(),
    },
    example: {
      operatorId: 'OBQ3J5XWQTNHVCFBMTTQVCD2WBVLN24XBPVVRHNVKGWKYYEQJKKH4KGK',
      id: 'OBQ3J5XWQTNHVCFBMTTQVCD2WBVLN24XBPVVRHNVKGWKYYEQJKKH4KGK',
      name: 'gatehouse',
      signing: 'strict',
      signingKeys: ['ODJSQTTMTSGHUZQKQ2OKWC3IBXCKPHTKFTZVGQN7QG5QRKDWQ6SSEZBT'],
      systemAccount: KEY,
      calloutAccount: KEY,
      adminAccount: KEY,
    },
  },
  'operator.signing_key_created': {
    when: 'It got a signing key more.',
    data: { ...anOperator, key: signingKey },
    example: { ...ofOperator, key: { publicKey: OPERATOR_KEY } },
  },
  'operator.signing_key_rotated': {
    when: 'It got a signing key that takes the place of others.',
    data: { ...anOperator, old: texts('O… keys that retire.'), new: signingKey },
    example: { ...ofOperator, old: [OPERATOR_KEY], new: { publicKey: OPERATOR_KEY } },
  },
  'operator.signing_key_revoked': {
    when: 'A signing key of it signs no more.',
    data: { ...anOperator, key: text('The O… key.'), reason },
    example: { ...ofOperator, key: OPERATOR_KEY, reason: 'leaked' },
  },
  'operator.service_urls_set': {
    when: 'The URLs of its servers changed.',
    data: { ...anOperator, ...change(texts('URLs of servers.')) },
    example: { ...ofOperator, old: [], new: ['nats://nats.example.com:4222'] },
  },
  'operator.account_server_url_set': {
    when: 'The URL of its account server changed.',
    data: { ...anOperator, ...change(text('Where account JWTs are had.')) },
    example: { ...ofOperator, new: 'nats://nats.example.com:4222' },
  },
  'operator.description_set': {
    when: 'Its description changed.',
    data: { ...anOperator, ...change(text('What it is for.')) },
    example: { ...ofOperator, new: 'production' },
  },
} satisfies Readonly<Record<OperatorEvent['type'], EventDefinition>>

export const accountEvents = {
  'account.created': {
    when: 'An account was made.',
    data: {
      ...anAccount,
      id: text('The same as `accountId`.'),
      role: z.enum(['system', 'callout', 'admin', 'tenant']).describe('Its part in the trust chain.'),
      description: text('What it is for.').optional(),
      signingKeys: texts('A… keys that sign its users.'),
      limits,
      defaultPolicy: policyRef.optional(),
      boundaryPolicy: policyRef.optional(),
      metadata: facts,
      expiresAt: moment('From then on nobody of it may connect.').optional(),
    },
    example: {
      ...example,
      id: ACCOUNT,
      role: 'tenant',
      signingKeys: [KEY],
      limits: { connections: 100, jetstream: { diskBytes: 1_073_741_824 } },
      metadata: {},
    },
  },
  'account.limits_updated': {
    when: 'Its limits changed.',
    data: { ...anAccount, ...change(limits) },
    example: { ...example, old: { connections: 100 }, new: { connections: 200 } },
  },
  'account.default_policy_set': {
    when: 'The policy that applies to everybody of it was named, or taken away.',
    data: { ...anAccount, ...change(policyRef) },
    example: { ...example, new: '01K9ZC6WDCB1QZ1MV3Y8Q8Y1M5' },
  },
  'account.boundary_policy_set': {
    when: 'The policy that caps everybody of it was named, or taken away.',
    data: { ...anAccount, ...change(policyRef) },
    example: { ...example, new: '01K9ZC6WDCB1QZ1MV3Y8Q8Y1M5' },
  },
  'account.metadata_updated': {
    when: 'Its description or metadata changed.',
    data: { ...anAccount, ...change(about) },
    example: { ...example, old: { metadata: {} }, new: { metadata: { tier: 'gold' } } },
  },
  'account.expiry_set': {
    when: 'The time from which on nobody of it may connect was set, or taken away.',
    data: { ...anAccount, ...change(moment('From then on nobody of it may connect.')) },
    example: { ...example, new: '2027-01-31T12:00:00Z' },
  },
  'account.suspended': {
    when: 'Nobody of it may connect any more.',
    data: { ...anAccount, reason },
    example: { ...example, reason: 'unpaid' },
  },
  'account.reactivated': { when: 'Its suspension ended.', data: anAccount, example },
  'account.exports_updated': {
    when: 'What it lets other accounts import changed.',
    data: { ...anAccount, ...change(z.array(exportSeen)) },
    example: { ...example, old: [], new: [{ subject: 'orders.new', type: 'stream', access: 'public' }] },
  },
  'account.imports_updated': {
    when: 'What it takes from other accounts changed. No activation is told.',
    data: { ...anAccount, ...change(z.array(importSeen.omit({ token: true }))) },
    example: { ...example, old: [], new: [{ account: KEY, subject: 'prices.>', type: 'stream' }] },
  },
  'account.activation_created': {
    when: 'An account got the right to import one of its private exports.',
    data: {
      ...anAccount,
      ...ofExport,
      issuedAt: count('Seconds since the epoch.'),
      expiresAt: count('Seconds since the epoch. Absent: until it is revoked.').optional(),
    },
    example: {
      ...example,
      exportType: 'stream',
      subject: 'prices.>',
      importer: KEY,
      issuedAt: 1_795_000_000,
    },
  },
  'account.activation_revoked': {
    when: 'An account, or every one, lost that right.',
    data: { ...anAccount, ...ofExport, until: count('What was issued up to that second holds no more.') },
    example: { ...example, exportType: 'stream', subject: 'prices.>', importer: '*', until: 1_795_000_000 },
  },
  'account.deleted': {
    when: 'It was deleted.',
    data: { ...anAccount, reason: reason.optional() },
    example,
  },
} satisfies Readonly<Record<AccountEvent['type'], EventDefinition>>
