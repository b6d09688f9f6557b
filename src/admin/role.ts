import { z } from 'zod'
import { OPERATOR_SCOPE } from '../domain/policy.ts'
import type { Role } from '../domain/role.ts'
import { EVERY_ROLE, roleKey } from '../domain/state-keys.ts'
import { accountReference } from './account.ts'
import { roles } from './aggregates.ts'
import { pageOf, roleId, roleSeen } from './answers.ts'
import { command } from './command.ts'
import { description, name } from './fields.ts'
import { isVisible } from './delegation.ts'
import { listing, paging } from './listing.ts'
import { accountNamed, ownRole, policyNamed } from './lookup.ts'
import { seenRole } from './seen.ts'
import type { Transaction } from './transaction.ts'
import { refuseUsed } from './uses.ts'

const ownAccount = accountReference
  .optional()
  .describe('The account it belongs to. Absent: usable in every account.')
const policyList = z.array(name).max(64).describe('Names of policies.')

const createRole = command({
  name: 'role.create',
  summary: 'Makes a role: a named set of policies.',
  access: 'admin',
  request: z.strictObject({ name, account: ownAccount, description, policies: policyList }),
  response: roleId,
  example: { name: 'on-call', policies: ['developer', 'worker'] },
  async handle({ account, policies, ...facts }, { tx }) {
    const id = tx.context.nextId()
    const scope = account === undefined ? OPERATOR_SCOPE : (await accountNamed(tx, account)).id
    const ids = await policyIds(tx, account, policies)
    await tx.execute(roles, roleKey(id), {
      ...facts,
      type: 'role.create',
      id,
      scope,
      policies: ids,
      at: tx.context.at,
    })
    return { role: id }
  },
})

const updateRole = command({
  name: 'role.update',
  summary: 'Replaces the policies of a role.',
  access: 'admin',
  request: z.strictObject({ role: name, account: ownAccount, policies: policyList }),
  response: roleId,
  example: { role: 'on-call', policies: ['developer'] },
  async handle({ role, account, policies }, { tx }) {
    const { id } = await ownRole(tx, account, role)
    const ids = await policyIds(tx, account, policies)
    await tx.execute(roles, roleKey(id), { type: 'role.update', policies: ids, at: tx.context.at })
    return { role: id }
  },
})

const setDescription = command({
  name: 'role.set-description',
  summary: 'Says what a role is for.',
  access: 'admin',
  request: z.strictObject({ role: name, account: ownAccount, description }),
  response: roleId,
  example: { role: 'operations', description: 'Keeps orders flowing.' },
  async handle({ role, account, description }, { tx }) {
    const { id } = await ownRole(tx, account, role)
    const change = { type: 'role.set-description', description, at: tx.context.at } as const
    await tx.execute(roles, roleKey(id), change)
    return { role: id }
  },
})

const deleteRole = command({
  name: 'role.delete',
  summary: 'Deletes a role that nobody has.',
  access: 'admin',
  request: z.strictObject({ role: name, account: ownAccount }),
  response: roleId,
  example: { role: 'on-call' },
  async handle({ role, account }, { tx }) {
    const { id } = await ownRole(tx, account, role)
    await refuseUsed(tx, 'role', id)
    await tx.execute(roles, roleKey(id), { type: 'role.delete', at: tx.context.at })
    return { role: id }
  },
})

const listRoles = command({
  name: 'role.list',
  summary: 'Lists the roles, a page at a time.',
  access: 'account',
  request: z.strictObject(paging),
  response: pageOf(roleSeen),
  example: { limit: 50 },
  handle: (page, { tx, store, reach }) =>
    listing(store, { ...page, filter: EVERY_ROLE }, ({ value }) =>
      isVisible(value as Role, reach) ? seenRole(tx, value as Role) : undefined,
    ),
})

async function policyIds(
  tx: Transaction,
  account: string | undefined,
  names: readonly string[],
): Promise<string[]> {
  const owner = account === undefined ? undefined : await accountNamed(tx, account)
  const found = await Promise.all(names.map((each) => policyNamed(tx, owner, each)))
  return [...new Set(found.map(({ id }) => id))]
}

export const roleCommands = { createRole, updateRole, setDescription, deleteRole, listRoles }
