import { z } from 'zod'
import type { Policy, PolicyCommand } from '../domain/policy.ts'
import { EVERY_POLICY, policyKey } from '../domain/state-keys.ts'
import { accountReference } from './account.ts'
import { policies } from './aggregates.ts'
import { pageOf, policyId, policySeen } from './answers.ts'
import { command, type Scene, type Untimed } from './command.ts'
import { isVisible } from './delegation.ts'
import { description, name } from './fields.ts'
import { listing, paging } from './listing.ts'
import { ownPolicy } from './lookup.ts'
import { seenPolicy } from './seen.ts'
import { refuseUsed } from './uses.ts'

/** What policies there are, and what becomes of them. */

export const whichPolicy = {
  policy: name,
  account: accountReference.optional().describe('The account it belongs to. Absent: one of the operator.'),
}

const getPolicy = command({
  name: 'policy.get',
  summary: 'Shows a policy.',
  access: 'account',
  request: z.strictObject(whichPolicy),
  response: z.object({ policy: policySeen }),
  example: { policy: 'developer' },
  async handle({ policy, account }, { tx }) {
    const found = await ownPolicy(tx, account, policy)
    await tx.regard(policyKey(found.id))
    return { policy: seenPolicy(found) }
  },
})

const listPolicies = command({
  name: 'policy.list',
  summary: 'Lists the policies, a page at a time.',
  access: 'account',
  request: z.strictObject(paging),
  response: pageOf(policySeen),
  example: { limit: 50 },
  handle: (page, { store, reach }) =>
    listing(store, { ...page, filter: EVERY_POLICY }, ({ value }) =>
      isVisible(value as Policy, reach) ? seenPolicy(value as Policy) : undefined,
    ),
})

const renamePolicy = command({
  name: 'policy.rename',
  summary: 'Gives a policy another name.',
  access: 'admin',
  request: z.strictObject({ ...whichPolicy, name }),
  response: policyId,
  example: { policy: 'developer', name: 'engineer' },
  handle: ({ name, ...names }, scene) => change(scene, names, { type: 'policy.rename', name }),
})

const setDelegable = command({
  name: 'policy.set-delegable',
  summary: 'Marks a policy as fit to be handed on by the admins of an account.',
  access: 'admin',
  request: z.strictObject({ ...whichPolicy, delegable: z.boolean() }),
  response: policyId,
  example: { policy: 'developer', delegable: true },
  handle: ({ delegable, ...names }, scene) =>
    change(scene, names, { type: 'policy.set-delegable', delegable }),
})

const setDescription = command({
  name: 'policy.set-description',
  summary: 'Says what a policy is for.',
  access: 'admin',
  request: z.strictObject({ ...whichPolicy, description }),
  response: policyId,
  example: { policy: 'developer', description: 'Works with orders and inventory.' },
  handle: ({ description, ...names }, scene) =>
    change(scene, names, { type: 'policy.set-description', description }),
})

const deletePolicy = command({
  name: 'policy.delete',
  summary: 'Deletes a policy that nobody has.',
  access: 'admin',
  request: z.strictObject(whichPolicy),
  response: policyId,
  example: { policy: 'shipping-reader' },
  async handle({ policy, account }, scene) {
    await refuseUsed(scene.tx, 'policy', (await ownPolicy(scene.tx, account, policy)).id)
    return change(scene, { policy, account }, { type: 'policy.delete' })
  },
})

async function change(
  { tx }: Scene,
  { policy, account }: { readonly policy: string; readonly account?: string | undefined },
  what: Untimed<PolicyCommand>,
) {
  const { id } = await ownPolicy(tx, account, policy)
  await tx.execute(policies, policyKey(id), { ...what, at: tx.context.at })
  return { policy: id }
}

export const policyLifeCommands = {
  getPolicy,
  listPolicies,
  renamePolicy,
  setDelegable,
  setDescription,
  deletePolicy,
}
