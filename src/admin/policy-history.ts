import { z } from 'zod'
import type { Policy } from '../domain/policy.ts'
import { policyKey, policyVersionKey, policyVersionsFilter } from '../domain/state-keys.ts'
import { GatehouseError } from '../errors.ts'
import { actorSeen, pageOf, policyId, policyVersionSeen } from './answers.ts'
import { policies } from './aggregates.ts'
import { command } from './command.ts'
import { listing, paging } from './listing.ts'
import { ownPolicy } from './lookup.ts'
import { whichPolicy } from './policy-life.ts'
import type { VersionRecord } from './transaction.ts'

/** What a policy was before, and how it becomes that again. */

const versionSeen = policyVersionSeen.extend({
  by: actorSeen.describe('Who made it so.'),
  at: z.string().describe('When: RFC 3339, UTC.'),
})

const policyHistory = command({
  name: 'policy.history',
  summary: 'Lists the versions of a policy, oldest first, each with who made it and when.',
  access: 'admin',
  request: z.strictObject({ ...whichPolicy, ...paging }),
  response: pageOf(versionSeen),
  example: { policy: 'developer' },
  async handle({ policy, account, ...page }, { tx, store }) {
    const { id } = await ownPolicy(tx, account, policy)
    return listing(store, { ...page, filter: policyVersionsFilter(id) }, ({ value }) => {
      const { state, by, at } = value as VersionRecord<Policy>
      const { version, name, description, permissions, limits, delegable } = state
      return { version, name, description, permissions, limits, delegable, by, at }
    })
  },
})

const rollback = command({
  name: 'policy.rollback',
  summary: 'Gives a policy the permissions and limits again that it had at a version. That is a new version.',
  access: 'admin',
  request: z.strictObject({
    ...whichPolicy,
    version: z.int().min(1).describe('One that policy.history lists.'),
  }),
  response: policyId,
  example: { policy: 'developer', version: 1 },
  async handle({ policy, account, version }, { tx }) {
    const { id, name } = await ownPolicy(tx, account, policy)
    const kept = (await tx.get(policyVersionKey(id, version))) as VersionRecord<Policy> | undefined
    if (kept === undefined)
      throw new GatehouseError('not_found', `policy "${name}" has no version ${version}: see policy.history`)
    const { at } = tx.context
    await tx.execute(policies, policyKey(id), { type: 'policy.rollback', to: kept.state, at })
    return { policy: id }
  },
})

export const policyHistoryCommands = { policyHistory, rollback }
