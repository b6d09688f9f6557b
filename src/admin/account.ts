import { z } from 'zod'
import { nameFault } from '../domain/name.ts'
import { accountKey, sealedKey, userCountKey } from '../domain/state-keys.ts'
import { adminLimitFaults, asWritten } from './admin-limits.ts'
import { accounts } from './aggregates.ts'
import { accountId } from './answers.ts'
import { command } from './command.ts'
import { faulty, refuseFaults } from './faults.ts'
import { accountLimits, description, metadata, name } from './fields.ts'
import { isAccountId, openAccountNamed, policyNamed, theOperator } from './lookup.ts'

/** The policy a new account's users all have, unless the command names another: architecture section 4. */
export const DEFAULT_POLICY = 'base'

const accountReference = z
  .string()
  .superRefine((text, context) => {
    const rule = isAccountId(text) ? undefined : nameFault(text)
    if (rule !== undefined) context.addIssue({ code: 'custom', message: rule })
  })
  .describe('The name of an account, or its A… key.')

const createAccount = command({
  name: 'account.create',
  summary: 'Makes an account with its keys.',
  access: 'admin',
  request: z.strictObject({
    name,
    description,
    limits: accountLimits,
    defaultPolicy: name.optional().describe('Applies to every user of the account. Default: base.'),
    metadata,
  }),
  response: accountId,
  example: { name: 'SHIPPING', limits: { connections: 100, jetstream: { disk: '1GiB' } } },
  async handle({ defaultPolicy, ...facts }, { tx, keys, jwts }) {
    const operator = await theOperator(tx)
    const policy = await policyNamed(tx, undefined, defaultPolicy ?? DEFAULT_POLICY)
    const identity = keys.createAccountKey()
    const signing = operator.signing === 'strict' ? [keys.createAccountKey()] : []
    for (const { publicKey, sealed } of [identity, ...signing]) tx.set(sealedKey(publicKey), sealed)
    const made = await tx.execute(accounts, accountKey(identity.publicKey), {
      ...facts,
      type: 'account.create',
      id: identity.publicKey,
      role: 'tenant',
      signingKeys: signing.map(({ publicKey }) => publicKey),
      defaultPolicy: policy.id,
      at: tx.context.at,
    })
    refuseFaults(made.status === 'present' ? jwts.faults(made) : [])
    return { account: identity.publicKey }
  },
})

const updateLimits = command({
  name: 'account.update-limits',
  summary: 'Replaces the limits of an account.',
  access: 'admin',
  request: z.strictObject({ account: accountReference, limits: accountLimits }),
  response: accountId,
  example: { account: 'ORDERS', limits: { connections: 500, payload: '64KiB' } },
  async handle({ account, limits }, { tx, jwts }) {
    const found = await openAccountNamed(tx, account)
    const barring = found.role === 'admin' ? adminLimitFaults(found.name, asWritten(limits)) : []
    if (barring.length > 0) throw faulty(barring, 'forbidden')
    const change = { type: 'account.update-limits', limits, at: tx.context.at } as const
    const after = await tx.execute(accounts, accountKey(found.id), change)
    refuseFaults(after.status === 'present' ? jwts.faults(after) : [])
    if (found.limits.users !== undefined && limits.users === undefined)
      tx.set(userCountKey(found.id), undefined)
    return { account: found.id }
  },
})

const setDefaultPolicy = command({
  name: 'account.set-default-policy',
  summary: 'Names the policy that applies to every user of an account.',
  access: 'admin',
  request: z.strictObject({ account: accountReference, policy: name.optional().describe('Absent: none.') }),
  response: accountId,
  example: { account: 'ORDERS', policy: 'base' },
  async handle({ account, policy }, { tx }) {
    const found = await openAccountNamed(tx, account)
    const id = policy === undefined ? undefined : (await policyNamed(tx, found, policy)).id
    const change = { type: 'account.set-default-policy', policy: id, at: tx.context.at } as const
    await tx.execute(accounts, accountKey(found.id), change)
    return { account: found.id }
  },
})

const updateMetadata = command({
  name: 'account.update-metadata',
  summary: 'Replaces description and metadata of an account.',
  access: 'admin',
  request: z.strictObject({ account: accountReference, description, metadata }),
  response: accountId,
  example: { account: 'ORDERS', description: 'Orders and inventory.', metadata: { team: 'orders' } },
  async handle({ account, ...facts }, { tx }) {
    const { id } = await openAccountNamed(tx, account)
    await tx.execute(accounts, accountKey(id), {
      ...facts,
      type: 'account.update-metadata',
      at: tx.context.at,
    })
    return { account: id }
  },
})

export const accountCommands = { createAccount, updateLimits, setDefaultPolicy, updateMetadata }
export { accountReference }
