import { z } from 'zod'
import { OPERATOR_SCOPE, type Policy } from '../domain/policy.ts'
import { policyKey } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import { accountReference } from './account.ts'
import { policies } from './aggregates.ts'
import { command } from './command.ts'
import { description, name, permissions, policyLimits } from './fields.ts'
import { accountNamed, policyNamed } from './lookup.ts'
import type { Transaction } from './transaction.ts'

const ownAccount = accountReference
  .optional()
  .describe('The account it belongs to. Absent: usable in every account.')

const createPolicy = command({
  name: 'policy.create',
  summary: 'Makes a policy: named permissions and limits.',
  request: z.strictObject({ name, account: ownAccount, description, ...permissions, limits: policyLimits }),
  async handle({ account, publish, subscribe, responses, ...facts }, { tx }) {
    const id = tx.context.nextId()
    await tx.execute(policies, policyKey(id), {
      ...facts,
      type: 'policy.create',
      id,
      scope: account === undefined ? OPERATOR_SCOPE : (await accountNamed(tx, account)).id,
      permissions: { publish, subscribe, responses },
      at: tx.context.at,
    })
    return { policy: id }
  },
})

const updatePermissions = command({
  name: 'policy.update-permissions',
  summary: 'Replaces the permissions of a policy.',
  request: z.strictObject({ policy: name, account: ownAccount, ...permissions }),
  async handle({ policy, account, ...rules }, { tx }) {
    const { id } = await own(tx, account, policy)
    const change = { type: 'policy.update-permissions', permissions: rules, at: tx.context.at } as const
    await tx.execute(policies, policyKey(id), change)
    return { policy: id }
  },
})

const updateLimits = command({
  name: 'policy.update-limits',
  summary: 'Replaces the limits of a policy.',
  request: z.strictObject({ policy: name, account: ownAccount, limits: policyLimits }),
  async handle({ policy, account, limits }, { tx }) {
    const { id } = await own(tx, account, policy)
    await tx.execute(policies, policyKey(id), { type: 'policy.update-limits', limits, at: tx.context.at })
    return { policy: id }
  },
})

/** The policy of exactly that owner: whoever means an account's own must not change everybody's. */
async function own(tx: Transaction, account: string | undefined, policy: string): Promise<Policy> {
  const owner = account === undefined ? undefined : await accountNamed(tx, account)
  const found = await policyNamed(tx, owner, policy)
  if (owner === undefined || found.scope === owner.id) return found
  throw new GatehouseError('not_found', `account "${owner.name}" has no policy "${policy}" of its own`)
}

export const policyCommands = { createPolicy, updatePermissions, updateLimits }
