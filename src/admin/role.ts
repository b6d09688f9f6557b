import { z } from 'zod'
import { OPERATOR_SCOPE } from '../domain/policy.ts'
import { ROLE_DEPTH_MAX, withinFault, type Role } from '../domain/role.ts'
import { EVERY_ROLE, roleKey, roleUseFilter } from '../domain/state-keys.ts'
import { accountReference } from './account.ts'
import { roles } from './aggregates.ts'
import { pageOf, roleId, roleSeen } from './answers.ts'
import { command } from './command.ts'
import { rolesWithin } from './compiled.ts'
import { refuseFaults } from './faults.ts'
import { description, name } from './fields.ts'
import { isVisible } from './delegation.ts'
import { listing, paging } from './listing.ts'
import { accountNamed, ownRole, policyNamed, roleNamed } from './lookup.ts'
import { seenRole } from './seen.ts'
import type { Transaction } from './transaction.ts'
import { refuseUsed } from './uses.ts'

const ownAccount = accountReference
  .optional()
  .describe('The account it belongs to. Absent: usable in every account.')
const policyList = z.array(name).max(64).describe('Names of policies.')
const roleList = z.array(name).max(64).optional()

const createRole = command({
  name: 'role.create',
  summary: 'Makes a role: a named set of policies, and of other roles with theirs.',
  access: 'admin',
  request: z.strictObject({
    name,
    account: ownAccount,
    description,
    policies: policyList.default([]),
    roles: roleList.describe('Names of the roles within it.'),
  }),
  response: roleId,
  example: { name: 'on-call', policies: ['developer', 'worker'] },
  async handle({ account, policies, roles: inner, ...facts }, { tx }) {
    const id = tx.context.nextId()
    const scope = account === undefined ? OPERATOR_SCOPE : (await accountNamed(tx, account)).id
    const ids = await policyIds(tx, account, policies)
    const within = await roleIds(tx, { id, account, name: facts.name }, inner)
    await tx.execute(roles, roleKey(id), {
      ...facts,
      type: 'role.create',
      id,
      scope,
      policies: ids,
      ...(within !== undefined && within.length > 0 && { roles: within }),
      at: tx.context.at,
    })
    return { role: id }
  },
})

const updateRole = command({
  name: 'role.update',
  summary: 'Replaces the policies of a role, and the roles within it.',
  access: 'admin',
  request: z.strictObject({
    role: name,
    account: ownAccount,
    policies: policyList,
    roles: roleList.describe('Names of the roles within it. Absent: they stay.'),
  }),
  response: roleId,
  example: { role: 'on-call', policies: ['developer'] },
  async handle({ role, account, policies, roles: inner }, { tx }) {
    const { id } = await ownRole(tx, account, role)
    const ids = await policyIds(tx, account, policies)
    const within = await roleIds(tx, { id, account, name: role }, inner)
    const change = { type: 'role.update', policies: ids, roles: within, at: tx.context.at } as const
    await tx.execute(roles, roleKey(id), change)
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

interface Named {
  readonly id: string
  readonly name: string
  readonly account: string | undefined
}

/**
 * The roles within one. Nothing is committed unless all that are below it and above it are as they were looked at:
 * somebody else may be about to put this one into one of them.
 */
async function roleIds(
  tx: Transaction,
  container: Named,
  names: readonly string[] | undefined,
): Promise<readonly string[] | undefined> {
  if (names === undefined) return undefined
  const { account } = container
  const owner = account === undefined ? undefined : await accountNamed(tx, account)
  // By its own name it would be itself from now on, whatever that leads to now.
  const ids = await Promise.all(
    names.map(async (each) =>
      each === container.name ? container.id : (await roleNamed(tx, owner, each)).id,
    ),
  )
  const below = await rolesWithin(tx, ids)
  for (const id of below.keys()) tx.hold(await tx.stored(roleKey(id)))
  const above = ids.length === 0 ? 0 : await countAbove(tx, container.id)
  refuseFaults(
    ids.flatMap((id, i) => {
      const rule = withinFault({ ...container, above }, id, (each) => below.get(each))
      return rule === undefined ? [] : [{ where: `roles[${i}]`, rule }]
    }),
  )
  return [...new Set(ids)]
}

/** How many roles are above one, each within the next; one that more are above has no room for any within it. */
async function countAbove(tx: Transaction, id: string): Promise<number> {
  let level: ReadonlySet<string> = new Set([id])
  for (let above = 0; above < ROLE_DEPTH_MAX; above += 1) {
    const next = new Set<string>()
    for (const each of level)
      for (const { key } of await tx.allOf(roleUseFilter(each))) next.add(key.slice(key.lastIndexOf('.') + 1))
    if (next.size === 0) return above
    level = next
  }
  return ROLE_DEPTH_MAX
}

export const roleCommands = { createRole, updateRole, setDescription, deleteRole, listRoles }
