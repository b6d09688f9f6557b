import { z } from 'zod'
import type { Policy, PolicyCommand } from '../domain/policy.ts'
import { EVERY_POLICY, policyKey } from '../domain/state-keys.ts'
import { accountReference } from './account.ts'
import { policies } from './aggregates.ts'
import { command, type Scene, type Untimed } from './command.ts'
import { description, name } from './fields.ts'
import { listing, paging } from './listing.ts'
import { ownPolicy } from './lookup.ts'
import { seenPolicy } from './seen.ts'
import { refuseUsed } from './uses.ts'

/** What policies there are, and what becomes of them. */

const which = {
  policy: name,
  account: accountReference.optional().describe('The account it belongs to. Absent: one of the operator.'),
}

const getPolicy = command({
  name: 'policy.get',
  summary: 'Shows a policy.',
  request: z.strictObject(which),
  async handle({ policy, account }, { tx }) {
    const found = await ownPolicy(tx, account, policy)
    tx.regard(policyKey(found.id))
    return { policy: seenPolicy(found) }
  },
})

const listPolicies = command({
  name: 'policy.list',
  summary: 'Lists the policies, a page at a time.',
  request: z.strictObject(paging),
  handle: (page, { store }) =>
    listing(store, { ...page, filter: EVERY_POLICY }, ({ value }) => seenPolicy(value as Policy)),
})

const renamePolicy = command({
  name: 'policy.rename',
  summary: 'Gives a policy another name.',
  request: z.strictObject({ ...which, name }),
  handle: ({ name, ...names }, scene) => change(scene, names, { type: 'policy.rename', name }),
})

const setDelegable = command({
  name: 'policy.set-delegable',
  summary:
    'Marks a policy as fit to be handed on by the admins of an account. So far nobody but ADMIN hands anything on.',
  request: z.strictObject({ ...which, delegable: z.boolean() }),
  handle: ({ delegable, ...names }, scene) =>
    change(scene, names, { type: 'policy.set-delegable', delegable }),
})

const setDescription = command({
  name: 'policy.set-description',
  summary: 'Says what a policy is for.',
  access: 'admin',
  request: z.strictObject({ ...which, description }),
  response: z.object({ policy: z.string() }),
  example: { policy: 'developer', description: 'Works with orders and inventory.' },
  handle: ({ description, ...names }, scene) =>
    change(scene, names, { type: 'policy.set-description', description }),
})

const deletePolicy = command({
  name: 'policy.delete',
  summary: 'Deletes a policy that nobody has.',
  request: z.strictObject(which),
  async handle({ policy, account }, scene) {
    await refuseUsed(scene.store, 'policy', (await ownPolicy(scene.tx, account, policy)).id)
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
