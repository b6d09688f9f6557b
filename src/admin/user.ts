import { z } from 'zod'
import { inboxPrefixOf } from '../domain/entries.ts'
import { policyKey, userKey } from '../domain/state-keys.ts'
import type { Credential, User } from '../domain/user.ts'
import type { Fault } from '../errors.ts'
import { accountReference } from './account.ts'
import { policies, users } from './aggregates.ts'
import { inboxPrefix, userId } from './answers.ts'
import { command, type KeyRing, type Secrets } from './command.ts'
import { refuseFaults } from './faults.ts'
import { duration, instant, metadata, name } from './fields.ts'
import { accountNamed, openAccountNamed, policyNamed, roleNamed, userNamed } from './lookup.ts'
import { countUser } from './user-count.ts'
import type { Transaction } from './transaction.ts'

const whose = { account: accountReference, user: name }
const label = z.string().min(1).max(128).optional().describe('What it is for, for people.')
const ttl = duration.optional().describe('How long it is valid. Absent: until it is revoked.')

const createUser = command({
  name: 'user.create',
  summary: 'Makes a user in an account. Without a credential it cannot connect yet.',
  access: 'account',
  request: z.strictObject({
    account: accountReference,
    name,
    policies: z.array(name).max(64).default([]),
    roles: z.array(name).max(64).default([]),
    metadata,
    expiresAt: instant.optional().describe('From when on the user may no longer connect. Absent: never.'),
  }),
  response: userId.extend({ account: z.string().describe('The A… key of its account.'), inboxPrefix }),
  example: { account: 'ORDERS', name: 'carol@example.com', policies: ['developer'] },
  async handle({ account, policies, roles, ...facts }, scene) {
    const { tx } = scene
    const found = await openAccountNamed(tx, account)
    const assigned = await Promise.all(policies.map((policy) => policyNamed(tx, found, policy)))
    const given = await Promise.all(roles.map((role) => roleNamed(tx, found, role)))
    const id = tx.context.nextId()
    await countUser(scene, found, 1)
    await tx.execute(users, userKey(found.id, id), {
      ...facts,
      type: 'user.create',
      id,
      account: found.id,
      policies: [...new Set(assigned.map((policy) => policy.id))],
      roles: [...new Set(given.map((role) => role.id))],
      at: tx.context.at,
    })
    return { account: found.id, user: id, inboxPrefix: inboxPrefixOf({ id }) }
  },
})

const assignPolicy = command({
  name: 'user.assign-policy',
  summary: 'Gives a user a policy.',
  access: 'account',
  request: z.strictObject({ ...whose, policy: name }),
  response: userId,
  example: { account: 'ORDERS', user: 'bob@example.com', policy: 'developer' },
  handle: ({ account, user, policy }, { tx }) =>
    changePolicy(tx, { account, user, policy }, 'user.assign-policy'),
})

const removePolicy = command({
  name: 'user.remove-policy',
  summary: 'Takes a policy from a user.',
  access: 'account',
  request: z.strictObject({ ...whose, policy: name }),
  response: userId,
  example: { account: 'ORDERS', user: 'bob@example.com', policy: 'readonly' },
  handle: ({ account, user, policy }, { tx }) =>
    changePolicy(tx, { account, user, policy }, 'user.remove-policy'),
})

const updateMetadata = command({
  name: 'user.update-metadata',
  summary: 'Replaces the metadata of a user.',
  access: 'account',
  request: z.strictObject({ ...whose, metadata }),
  response: userId,
  example: { account: 'ORDERS', user: 'bob@example.com', metadata: { region: 'eu' } },
  async handle({ account, user, metadata }, { tx }) {
    const found = await userNamed(tx, await accountNamed(tx, account), user)
    const change = { type: 'user.update-metadata', metadata, at: tx.context.at } as const
    await tx.execute(users, userKey(found.account, found.id), change)
    return { user: found.id }
  },
})

const issued = userId.extend({
  credential: z.string().describe('The id of the credential.'),
  inboxPrefix,
  token: z.string().optional().describe('The token. It is shown this once.'),
  creds: z.string().optional().describe('The text of a creds file. It is shown this once.'),
})

const issueToken = command({
  name: 'user.issue-token',
  summary:
    'Makes a bearer token or a creds file for a user. The reply shows it, once; only its hash or public key is kept.',
  access: 'account',
  request: z.strictObject({
    ...whose,
    label,
    ttl,
    as: z
      .enum(['token', 'creds'])
      .default('token')
      .describe('creds: a creds file, as every NATS client and tool takes it, with which a client signs.'),
  }),
  response: issued,
  example: { account: 'ORDERS', user: 'bob@example.com', label: 'laptop', ttl: '7d' },
  async handle({ account, user, label, ttl, as }, { tx, secrets }) {
    const found = await userNamed(tx, await accountNamed(tx, account), user)
    const facts = fresh(tx, label, ttl)
    const { credential, shown } = issue(as, { name: found.name, facts, secrets })
    await addCredential(tx, userKey(found.account, found.id), credential)
    return { user: found.id, credential: credential.id, inboxPrefix: inboxPrefixOf(found), ...shown }
  },
})

interface Issuing {
  readonly name: string
  readonly facts: ReturnType<typeof fresh>
  readonly secrets: Secrets
}

/** What is kept, and what is shown. */
function issue(as: 'token' | 'creds', { name, facts, secrets }: Issuing) {
  if (as === 'token') {
    const { token, hash } = secrets.createToken()
    return { credential: { ...facts, kind: 'token', hash } satisfies Credential, shown: { token } }
  }
  const { creds, publicKey } = secrets.createCreds({ name, at: facts.createdAt, expiresAt: facts.expiresAt })
  return { credential: { ...facts, kind: 'nkey', publicKey } satisfies Credential, shown: { creds } }
}

const updateCredentials = command({
  name: 'user.update-credentials',
  summary: 'Adds credentials to a user: passwords, nkeys and tokens. The reply shows the tokens, once.',
  access: 'account',
  request: z.strictObject({
    ...whose,
    credentials: z
      .array(
        z.discriminatedUnion('kind', [
          z.strictObject({ kind: z.literal('password'), password: z.string().min(8).max(1_024), label, ttl }),
          z.strictObject({
            kind: z.literal('nkey'),
            publicKey: z.string().regex(/^U[A-Z2-7]{55}$/, 'must be a user public key (U…)'),
            label,
            ttl,
          }),
          z.strictObject({ kind: z.literal('token'), label, ttl }),
        ]),
      )
      .min(1)
      .max(8),
  }),
  response: userId.extend({
    credentials: z.array(z.string()).describe('Their ids, in order.'),
    tokens: z
      .array(
        z.object({
          credential: z.string().describe('The id of its credential.'),
          token: z.string().describe('The token. It is shown this once.'),
        }),
      )
      .optional()
      .describe('Those that were made, in order. Absent: none was asked for.'),
  }),
  example: {
    account: 'ORDERS',
    user: 'bob@example.com',
    credentials: [{ kind: 'nkey', publicKey: 'UA6KOMQ67XOE3FHE37W4OXADVXVYISBNLTBUT2LSY5VFKAIJ7CRDR2RZ' }],
  },
  async handle({ account, user, credentials }, { tx, secrets, keys }) {
    refuseFaults(credentials.flatMap((offered, i) => keyFaults(offered, i, keys)))
    const found = await userNamed(tx, await accountNamed(tx, account), user)
    const added: string[] = []
    const tokens: { readonly credential: string; readonly token: string }[] = []
    for (const { label, ttl, ...offered } of credentials) {
      const { facts, token } = await kept(offered, secrets)
      const credential = { ...fresh(tx, label, ttl), ...facts }
      await addCredential(tx, userKey(found.account, found.id), credential)
      added.push(credential.id)
      if (token !== undefined) tokens.push({ credential: credential.id, token })
    }
    return { user: found.id, credentials: added, ...(tokens.length > 0 && { tokens }) }
  },
})

type Offered =
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'nkey'; readonly publicKey: string }
  | { readonly kind: 'token' }

/** No client could ever sign with what is not a key. */
function keyFaults(offered: Offered, index: number, keys: KeyRing): readonly Fault[] {
  const rule = offered.kind === 'nkey' ? keys.publicKeyFault(offered.publicKey, 'user') : undefined
  return rule === undefined ? [] : [{ where: `credentials[${index}].publicKey`, rule }]
}

/** A credential as it is stored, and the token that is shown: neither it nor a password goes further than this. */
async function kept(offered: Offered, secrets: Secrets) {
  const { kind } = offered
  switch (kind) {
    case 'nkey':
      return { facts: { kind, publicKey: offered.publicKey } }
    case 'password':
      return { facts: { kind, hash: await secrets.hashPassword(offered.password) } }
    case 'token': {
      const { token, hash } = secrets.createToken()
      return { facts: { kind, hash }, token }
    }
  }
}

function fresh({ context }: Transaction, label: string | undefined, ttlMs: number | undefined) {
  const expiresAt = ttlMs === undefined ? undefined : new Date(Date.parse(context.at) + ttlMs).toISOString()
  return { id: context.nextId(), label, createdAt: context.at, expiresAt }
}

async function addCredential(tx: Transaction, key: string, credential: Credential): Promise<void> {
  await tx.execute(users, key, { type: 'user.add-credential', credential, at: tx.context.at })
}

async function changePolicy(
  tx: Transaction,
  names: { readonly account: string; readonly user: string; readonly policy: string },
  type: 'user.assign-policy' | 'user.remove-policy',
) {
  const account = await accountNamed(tx, names.account)
  const user = await userNamed(tx, account, names.user)
  const held = type === 'user.remove-policy' ? await heldPolicy(tx, user, names.policy) : undefined
  const policy = held ?? (await policyNamed(tx, account, names.policy)).id
  await tx.execute(users, userKey(account.id, user.id), { type, policy, at: tx.context.at })
  return { user: user.id }
}

/** What the user holds under that name, even if by now the name leads to another policy. */
async function heldPolicy(tx: Transaction, user: User, name: string): Promise<string | undefined> {
  const loaded = await Promise.all(user.policies.map((id) => tx.load(policies, policyKey(id))))
  return loaded.flatMap((policy) =>
    policy.status === 'present' && policy.name === name ? [policy.id] : [],
  )[0]
}

export const userCommands = {
  createUser,
  assignPolicy,
  removePolicy,
  updateMetadata,
  issueToken,
  updateCredentials,
}
