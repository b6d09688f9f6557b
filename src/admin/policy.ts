import { z } from 'zod'
import { OPERATOR_SCOPE } from '../domain/policy.ts'
import { policyKey } from '../domain/state-keys.ts'
import { accountReference } from './account.ts'
import { policies } from './aggregates.ts'
import { policyId } from './answers.ts'
import { command } from './command.ts'
import { delegable, description, name, permissions } from './fields.ts'
import { accountNamed, ownPolicy } from './lookup.ts'
import { policyLimits } from './policy-limit-fields.ts'

const ownAccount = accountReference
  .optional()
  .describe('The account it belongs to. Absent: usable in every account.')

const createPolicy = command({
  name: 'policy.create',
  summary: 'Makes a policy: named permissions and limits.',
  access: 'admin',
  request: z.strictObject({
    name,
    account: ownAccount,
    description,
    ...permissions,
    limits: policyLimits,
    delegable,
  }),
  response: policyId,
  example: { name: 'shipping-reader', subscribe: { allow: ['shipping.>'] }, limits: { lifetime: '8h' } },
  async handle({ name, account, description, limits, delegable, ...permissions }, { tx }) {
    const id = tx.context.nextId()
    await tx.execute(policies, policyKey(id), {
      type: 'policy.create',
      name,
      description,
      limits,
      delegable,
      id,
      scope: account === undefined ? OPERATOR_SCOPE : (await accountNamed(tx, account)).id,
      permissions,
      at: tx.context.at,
    })
    return { policy: id }
  },
})

const updatePermissions = command({
  name: 'policy.update-permissions',
  summary: 'Replaces the permissions of a policy.',
  access: 'admin',
  request: z.strictObject({ policy: name, account: ownAccount, ...permissions }),
  response: policyId,
  example: { policy: 'developer', publish: { allow: ['orders.>'] }, subscribe: { allow: ['orders.>'] } },
  async handle({ policy, account, ...rules }, { tx }) {
    const { id } = await ownPolicy(tx, account, policy)
    const change = { type: 'policy.update-permissions', permissions: rules, at: tx.context.at } as const
    await tx.execute(policies, policyKey(id), change)
    return { policy: id }
  },
})

const updateLimits = command({
  name: 'policy.update-limits',
  summary: 'Replaces the limits of a policy.',
  access: 'admin',
  request: z.strictObject({ policy: name, account: ownAccount, limits: policyLimits }),
  response: policyId,
  example: { policy: 'developer', limits: { sources: ['10.0.0.0/8'] } },
  async handle({ policy, account, limits }, { tx }) {
    const { id } = await ownPolicy(tx, account, policy)
    await tx.execute(policies, policyKey(id), { type: 'policy.update-limits', limits, at: tx.context.at })
    return { policy: id }
  },
})

export const policyCommands = { createPolicy, updatePermissions, updateLimits }
